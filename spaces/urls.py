"""Addresses of spaces for programs; one list for each module of doors."""

from django.urls import path

from spaces.api import (
    approvals,
    assets,
    chat,
    exports,
    making,
    members,
    money,
    plans,
    shares,
    spaces,
    standing,
    state,
    style,
    variants,
)
from spaces.pages import sharing

API = "api/v1"
SPACE = f"{API}/spaces/<uuid:id>"
APPROVAL = f"{SPACE}/approvals/<uuid:approval_id>"
PLAN = f"{SPACE}/plans/<uuid:plan_id>"
ASSET = f"{SPACE}/assets/<uuid:asset_id>"
VARIANT = f"{SPACE}/variants/<uuid:variant_id>"

SPACES = [
    path(f"{API}/spaces/", spaces.SpaceList.as_view(), name="api_spaces"),
    path(f"{SPACE}/", spaces.SpaceDetail.as_view(), name="api_space"),
    path(f"{SPACE}/restore/", spaces.SpaceRestore.as_view()),
    path(f"{SPACE}/transfer/", spaces.SpaceTransfer.as_view()),
    path(f"{SPACE}/leave/", spaces.SpaceLeave.as_view()),
    path(f"{SPACE}/state/", state.SpaceState.as_view()),
    path(f"{SPACE}/events/", state.SpaceEvents.as_view()),
]
MEMBERS = [
    path(f"{SPACE}/members/", members.MemberList.as_view()),
    path(f"{SPACE}/members/<int:user_id>/", members.MemberDetail.as_view()),
    path(f"{SPACE}/invitations/", members.InvitationList.as_view()),
    path(f"{SPACE}/invitations/<uuid:invitation_id>/", members.InvitationDetail.as_view()),
    path(f"{SPACE}/access-requests/", members.AccessRequestList.as_view()),
    path(
        f"{SPACE}/access-requests/<uuid:request_id>/approve/",
        members.AccessRequestApprove.as_view(),
    ),
    path(
        f"{SPACE}/access-requests/<uuid:request_id>/reject/",
        members.AccessRequestReject.as_view(),
    ),
    path(f"{API}/invitations/", members.MyInvitations.as_view()),
    path(f"{API}/invitations/accept/", members.LinkAccept.as_view()),
    path(f"{API}/invitations/<uuid:id>/accept/", members.InvitationAccept.as_view()),
    path(f"{API}/invitations/<uuid:id>/decline/", members.InvitationDecline.as_view()),
]
ASSETS = [
    path(f"{SPACE}/assets/", assets.AssetList.as_view()),
    path(f"{ASSET}/", assets.AssetDetail.as_view()),
    path(f"{ASSET}/active/", assets.AssetActive.as_view()),
    path(f"{ASSET}/children/", assets.AssetChildren.as_view()),
    path(f"{ASSET}/ancestors/", assets.AssetAncestors.as_view()),
    path(f"{ASSET}/variants/", assets.AssetVariants.as_view()),
    path(f"{ASSET}/lineage/", assets.AssetLineage.as_view()),
]
VARIANTS = [
    path(f"{SPACE}/variants/", variants.VariantList.as_view()),
    path(f"{VARIANT}/", variants.VariantDetail.as_view()),
    path(f"{VARIANT}/lineage/", variants.VariantLineage.as_view()),
    path(f"{SPACE}/lineage/<uuid:lineage_id>/sever/", variants.LineageSever.as_view()),
]
STYLE = [
    path(f"{SPACE}/style/", style.StyleDoor.as_view()),
    path(f"{SPACE}/snippets/", style.SnippetList.as_view()),
    path(f"{SPACE}/snippets/<uuid:snippet_id>/", style.SnippetDetail.as_view()),
]
MAKING = [
    path(f"{SPACE}/generate/", making.Generate.as_view()),
    path(f"{SPACE}/derive/", making.Derive.as_view()),
    path(f"{SPACE}/refine/", making.Refine.as_view()),
    path(f"{SPACE}/batch/", making.Batch.as_view()),
    path(f"{SPACE}/matrix/", making.Matrix.as_view()),
    path(f"{SPACE}/estimate/", making.Estimate.as_view()),
    path(f"{SPACE}/upload/", making.Upload.as_view()),
    path(f"{SPACE}/add/", making.Add.as_view()),
    path(f"{ASSET}/fork/", making.Fork.as_view()),
    path(f"{VARIANT}/retry/", making.VariantRetry.as_view()),
    path(f"{VARIANT}/cancel/", making.VariantCancel.as_view()),
]
CHAT = [
    path(f"{SPACE}/chat/", chat.Chat.as_view()),
    path(f"{SPACE}/chat/stop/", chat.ChatStop.as_view()),
    path(f"{SPACE}/chat/retry/", chat.ChatRetry.as_view()),
    path(f"{SPACE}/chat/clear/", chat.ChatClear.as_view()),
    path(f"{SPACE}/describe/", chat.Describe.as_view()),
    path(f"{SPACE}/compare/", chat.Compare.as_view()),
]
APPROVALS = [
    path(f"{SPACE}/approvals/", approvals.ApprovalList.as_view()),
    path(f"{SPACE}/approvals/approve-all/", approvals.ApprovalAll.as_view()),
    path(f"{APPROVAL}/", approvals.ApprovalDetail.as_view()),
    path(f"{APPROVAL}/approve/", approvals.ApprovalApprove.as_view()),
    path(f"{APPROVAL}/reject/", approvals.ApprovalReject.as_view()),
    path(f"{APPROVAL}/edit/", approvals.ApprovalEdit.as_view()),
    path(f"{API}/approvals/", approvals.MyApprovals.as_view()),
    path(f"{SPACE}/standing-permissions/", standing.StandingList.as_view()),
    path(f"{SPACE}/standing-permissions/<uuid:permission_id>/", standing.StandingDetail.as_view()),
]
PLANS = [
    path(f"{SPACE}/plans/", plans.PlanList.as_view()),
    path(f"{PLAN}/", plans.PlanDetail.as_view()),
    path(f"{PLAN}/start/", plans.PlanStart.as_view()),
    path(f"{PLAN}/pause/", plans.PlanPause.as_view()),
    path(f"{PLAN}/stop/", plans.PlanStop.as_view()),
    path(f"{PLAN}/skip/", plans.PlanSkip.as_view()),
    path(f"{PLAN}/retry/", plans.PlanRetry.as_view()),
]
MONEY = [
    path(f"{SPACE}/usage/", money.SpaceUsage.as_view()),
    path(f"{SPACE}/usage/lines/", money.SpaceUsageLines.as_view()),
    path(f"{SPACE}/usage/csv/", money.SpaceUsageCsv.as_view()),
    path(f"{SPACE}/budgets/", money.SpaceBudgetList.as_view()),
    path(f"{SPACE}/budgets/<uuid:budget_id>/", money.SpaceBudgetDetail.as_view()),
]
EXPORTS = [
    path(f"{API}/spaces/import/", exports.SpaceImport.as_view(), name="api_space_import"),
    path(f"{SPACE}/export/", exports.SpaceExport.as_view(), name="api_space_export"),
    path(f"{SPACE}/training-export/", exports.TrainingExport.as_view(), name="api_space_training"),
]
SHARES = [
    path(f"{SPACE}/shares/", shares.ShareList.as_view()),
    path(f"{SPACE}/shares/<uuid:share_id>/", shares.ShareDetail.as_view()),
]
SHARED = [
    path("shared/<str:token>/", sharing.shared, name="shared"),
    path("shared/<str:token>/media/<int:number>/<str:form>", sharing.media, name="shared_media"),
    path("spaces/<uuid:id>/shares/", sharing.shares, name="space_shares"),
]

urlpatterns = [
    *SPACES, *MEMBERS, *ASSETS, *VARIANTS, *STYLE, *CHAT, *APPROVALS, *PLANS, *MAKING, *MONEY,
    *EXPORTS, *SHARES, *SHARED,
]  # fmt: skip
