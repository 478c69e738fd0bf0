package record

import "github.com/fabric-kafka/orderer/chain/fabric"

// peerFlaw returns for which of its parts an envelope would make peers refuse the whole
// block that it is in, or end their process: with one such envelope in it, no peer gets
// past the block. Everything else that may be wrong with a transaction makes
// them flag the one transaction, which is its client's concern. Empty if there is
// nothing.
func peerFlaw(envelope *fabric.Envelope, payload *fabric.Payload, headerType int32, c content) string {
	if len(envelope.Signature) == 0 {
		return "no signature"
	}
	if err := fabric.Unmarshal(payload.Header.SignatureHeader, &fabric.SignatureHeader{}); err != nil {
		return "signature header: " + err.Error()
	}
	if headerType == fabric.TypeEndorser && c.unendorsed {
		return "endorser transaction whose action was endorsed by nobody"
	}
	return ""
}
