#!/bin/sh
# A space by the API: a picture, one made from it, both followed by the socket's polling twin.
# Usage: docs/space.sh [http://127.0.0.1:8000] ["a lighthouse in fog"] ["at night, the lamp lit"]
set -eu
BASE=${1:-http://127.0.0.1:8000}
FIRST=${2:-a lighthouse in fog}
CHANGE=${3:-at night, the lamp lit}

call() {  # METHOD PATH [JSON]
  curl -sSf -X "$1" "$BASE$2" -H "Authorization: Bearer $TOKEN" \
    -H 'Content-Type: application/json' ${3:+-d "$3"}
}
read_json() {  # PYTHON-EXPRESSION of x
  python3 -c "import json, sys; x = json.load(sys.stdin); print($1)"
}
write_json() {  # NAME=VALUE …
  python3 -c 'import json, sys; print(json.dumps(dict(a.split("=", 1) for a in sys.argv[1:])))' "$@"
}
variant() {  # ID PYTHON-EXPRESSION of x
  call GET "/api/v1/spaces/$SPACE/variants/$1/" | read_json "$2"
}
tell() {  # NEWS: a line for each frame
  printf %s "$1" | python3 -c 'import json, sys
for frame in json.load(sys.stdin).get("events", []):
    print(frame["seq"], frame["type"], frame.get("variant", {}).get("status", ""))'
}
follow() {  # VARIANT: tell what happens in the space until it has settled
  while :; do
    STATUS=$(variant "$1" 'x["status"]')  # before the news, so that they tell of it
    NEWS=$(call GET "/api/v1/spaces/$SPACE/state/?since=$SEQ")
    SEQ=$(printf %s "$NEWS" | read_json 'x["seq"]')
    tell "$NEWS"
    case $STATUS in
      completed) return ;;
      failed) variant "$1" 'x["error"]' >&2; exit 1 ;;
    esac
    sleep 1
  done
}

TOKEN=$(curl -sSf "$BASE/api/v1/auth/token/" -H 'Content-Type: application/json' \
  -d '{"username": "alice", "password": "genproj"}' | read_json 'x["token"]')

SPACE=$(call POST /api/v1/spaces/ '{"name": "By curl"}' | read_json 'x["id"]')
SEQ=$(call GET "/api/v1/spaces/$SPACE/state/" | read_json 'x["seq"]')

MADE=$(call POST "/api/v1/spaces/$SPACE/generate/" \
  "$(write_json name=Lighthouse asset_type=scene "prompt=$FIRST")")
ASSET=$(printf %s "$MADE" | read_json 'x["asset"]["id"]')
follow "$(printf %s "$MADE" | read_json 'x["variants"][0]["id"]')"

# refined from the asset's active picture, which goes to the provider as a reference
CHILD=$(call POST "/api/v1/spaces/$SPACE/refine/" \
  "$(write_json "asset_id=$ASSET" "prompt=$CHANGE")" | read_json 'x["variants"][0]["id"]')
follow "$CHILD"

curl -sSfL -o space.png "$BASE$(variant "$CHILD" 'x["image_url"]')" -H "Authorization: Bearer $TOKEN"
echo "space.png: $(wc -c < space.png) bytes; the space: $BASE/spaces/$SPACE/"
