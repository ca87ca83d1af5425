#!/bin/sh
# Signs the example record again with identities that are thrown away: whatever shapes the pages has changed.
# Run from the repository root.
set -e
L="${LYNXSPEC:-lynxspec}"; D=examples/records/minilm-reviews-int8; K=$(mktemp -d)
export XDG_CONFIG_HOME=$K
rm -f $D/record.pdf* $D/record*.json
$L keygen --directory $K/signer --name "LynxSpec example signer" >/dev/null
$L keygen --directory $K/approver --name "LynxSpec example approver" >/dev/null
$L sign $D --key $K/signer/identity.pem
cp $K/signer/certificate.pem $D/certificate.pem; cp $K/approver/certificate.pem $D/approver.pem
$L countersign $D/record.pdf --key $K/approver/identity.pem --trust $D/certificate.pem --function "second person of the examples"
rm -rf $D/evidence $D/files $D/scratch $K
