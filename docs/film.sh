#!/bin/sh
# One film by the API: a sentence in the chat, its questions, the defaults, confirm, the file.
# Usage: docs/film.sh [http://127.0.0.1:8000] ["Create a video of …"]
set -eu
BASE=${1:-http://127.0.0.1:8000}
WISH=${2:-Create a video of a sunset over Lisbon}

call() {  # METHOD PATH [JSON]
  curl -sSf -X "$1" "$BASE$2" -H "Authorization: Bearer $TOKEN" \
    -H 'Content-Type: application/json' ${3:+-d "$3"}
}
read_json() {  # PYTHON-EXPRESSION of x
  python3 -c "import json, sys; x = json.load(sys.stdin); print($1)"
}
status() {
  call GET "/api/v1/videos/$FILM/status/" | read_json 'x["status"]'
}

TOKEN=$(curl -sSf "$BASE/api/v1/auth/token/" -H 'Content-Type: application/json' \
  -d '{"username": "alice", "password": "genproj"}' | read_json 'x["token"]')

TALK=$(call POST /api/v1/conversations/ '{}' | read_json 'x["id"]')
SAID=$(WISH="$WISH" python3 -c 'import json, os; print(json.dumps({"content": os.environ["WISH"]}))')
call POST "/api/v1/conversations/$TALK/messages/" "$SAID" > /dev/null

FILM=
while [ -z "$FILM" ]; do  # the assistant answers within ten seconds
  sleep 0.5
  FILM=$(call GET "/api/v1/videos/?conversation=$TALK" \
    | read_json 'x["results"][0]["id"] if x["results"] else ""')
done
call GET "/api/v1/videos/$FILM/" \
  | read_json '"\n".join("? " + q["question"] for q in x["clarification_questions"] or [])'

call POST "/api/v1/videos/$FILM/clarify/" '{"responses": {}}' \
  | read_json '"It costs {cost} USD and takes about {seconds} s.".format(**x["estimate"])'
call POST "/api/v1/videos/$FILM/confirm/" '{}' > /dev/null

until case $(status) in completed | failed | cancelled) true ;; *) false ;; esac; do
  sleep 2
done
URL=$(call GET "/api/v1/videos/$FILM/" | read_json '(x["result"] or {}).get("url") or sys.exit(x["error"])')
curl -sSfL -o film.mp4 "$BASE$URL" -H "Authorization: Bearer $TOKEN"
echo "film.mp4: $(wc -c < film.mp4) bytes; its page: $BASE/videos/$FILM/"
