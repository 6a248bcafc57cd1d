# Two nodes on this machine that agreed to share, for the pages that begin where sharing begins.
# Read it into a shell in an empty folder: . examples/two-nodes.sh
#
# Afterwards: the homes north and south, their cards, an active agreement "ransomware", three objects
# at North of which two wait for a person, and both nodes running. "kill $NORTH $SOUTH" ends them.
tearline init --home north --name "North CERT" --url http://127.0.0.1:8721
tearline init --home south --name "South Hospitals" --url http://127.0.0.1:8722
tearline card --home north --out north.card
tearline card --home south --out south.card
tearline party add south.card --home north --words "$(tearline card --home south | sed -n 's/^Words *//p')"
tearline party add north.card --home south --words "$(tearline card --home north | sed -n 's/^Words *//p')"
NOW=$(date -u +%Y-%m-%dT%H:%M:%S.000Z)
HEAD="\"spec_version\": \"2.1\", \"created\": \"$NOW\", \"modified\": \"$NOW\""
ACTOR=intrusion-set--6b1f4c1e-4f0d-4b9e-8a52-2f0a7c1d9e31
CLINIC=identity--6b1f4c1e-4f0d-4b9e-8a52-2f0a7c1d9e32
cat > held.json <<END
{"type": "bundle", "id": "bundle--6b1f4c1e-4f0d-4b9e-8a52-2f0a7c1d9e30", "objects": [
  {"type": "intrusion-set", "id": "$ACTOR", $HEAD, "name": "Example Spider"},
  {"type": "identity", "id": "$CLINIC", $HEAD, "name": "Harbour Clinic"},
  {"type": "relationship", "id": "relationship--6b1f4c1e-4f0d-4b9e-8a52-2f0a7c1d9e33", $HEAD,
   "relationship_type": "targets", "source_ref": "$ACTOR", "target_ref": "$CLINIC"}]}
END
tearline import held.json --mark TLP:GREEN --grade B2 --home north
tearline agreement new --with south-hospitals --home north --out draft.toml
sed -e 's/^# review = /review = /' -e 's/approvals = 2/approvals = 1/' -e 's/^types = .*/types = "*"/' draft.toml > agreement.toml
# What is private gets its leaf every second here, so that nobody has to wait for it.
export TEARLINE_PRIVATE_SECONDS=1
tearline serve --home north --port 8721 2> north.txt & NORTH=$!
tearline serve --home south --port 8722 2> south.txt & SOUTH=$!
for PORT in 8721 8722; do
  curl --noproxy 127.0.0.1 --silent --retry 60 --retry-connrefused --retry-delay 1 "http://127.0.0.1:$PORT/health"
done
tearline agreement propose agreement.toml --home north
tearline agreement countersign ransomware --home south
until tearline status --home north | grep -q 'active *[1-9]'; do sleep 1; done
