"""Addresses of endpoints for programs."""

from django.urls import path

from genproj.webhooks import api

ROOT = "api/v1/webhook-endpoints/"
ONE = f"{ROOT}<uuid:id>/"
DELIVERY = f"{ONE}deliveries/<uuid:delivery>/"

urlpatterns = [
    path(ROOT, api.EndpointList.as_view(), name="api_endpoints"),
    path(ONE, api.EndpointDetail.as_view(), name="api_endpoint"),
    path(f"{ONE}rotate/", api.SecretRotation.as_view(), name="api_endpoint_rotate"),
    path(f"{ONE}test/", api.EndpointTest.as_view(), name="api_endpoint_test"),
    path(f"{ONE}enable/", api.EndpointEnabling.as_view(), name="api_endpoint_enable"),
    path(f"{ONE}replay/", api.EndpointReplay.as_view(), name="api_endpoint_replay"),
    path(f"{ONE}deliveries/", api.DeliveryList.as_view(), name="api_deliveries"),
    path(DELIVERY, api.DeliveryDetail.as_view(), name="api_delivery"),
    path(f"{DELIVERY}replay/", api.DeliveryReplay.as_view(), name="api_delivery_replay"),
]
