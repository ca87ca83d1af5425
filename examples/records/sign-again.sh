#!/bin/sh
# Signs the example records again with identities that are thrown away: whatever shapes the pages has changed.
# Run from the repository root.
set -e
L="${LYNXSPEC:-lynxspec}"; K=$(mktemp -d)
export XDG_CONFIG_HOME=$K
$L keygen --directory $K/signer --name "LynxSpec example signer" >/dev/null
$L keygen --directory $K/approver --name "LynxSpec example approver" >/dev/null
for D in examples/records/*/; do
  D=${D%/}
  [ -e $D/record.pdf ] || continue
  rm -f $D/record.pdf* $D/record*.json
  $L sign $D --key $K/signer/identity.pem
  cp $K/signer/certificate.pem $D/certificate.pem
  rm -rf $D/evidence $D/files $D/scratch
done
D=examples/records/minilm-reviews-int8
$L countersign $D/record.pdf --key $K/approver/identity.pem --trust $D/certificate.pem --function "second person of the examples"
cp $K/approver/certificate.pem $D/approver.pem
rm -rf $K
