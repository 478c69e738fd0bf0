package record

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// peerFlaw returns for which of its parts an envelope would make peers refuse the whole
// block that it is in, or end their process: one such envelope, and no peer ever
// comes past the block. Everything else that may be wrong with a transaction makes
// them flag the one transaction, which is its client's concern. Empty if there is
// nothing.
func peerFlaw(envelope *fabric.Envelope, payload *fabric.Payload, headerType int32) string {
	if len(envelope.Signature) == 0 {
		return "no signature"
	}
	if err := fabric.Unmarshal(payload.Header.SignatureHeader, &fabric.SignatureHeader{}); err != nil {
		return "signature header: " + err.Error()
	}
	if headerType == fabric.TypeEndorser && actionless(payload.Data) {
		return "endorser transaction whose action was endorsed by nobody"
	}
	return ""
}

// Numbers of fields, as in the protos of the peer: Transaction.actions,
// TransactionAction.payload, ChaincodeActionPayload.action.
const (
	fieldActions = 1
	fieldPayload = 2
	fieldAction  = 2
)

// actionless reports whether a transaction has one action, whose payload has no
// endorsed action. A peer's core/common/validation looks into that without asking
// whether there is one; a transaction of several actions, or of none, it flags before.
func actionless(transaction []byte) bool {
	actions, ok := occurrences(transaction, fieldActions)
	if !ok || len(actions) != 1 {
		return false
	}
	payloads, ok := occurrences(actions[0], fieldPayload)
	if !ok || len(payloads) == 0 {
		return ok
	}
	action, ok := occurrences(payloads[len(payloads)-1], fieldAction) // the last one counts
	return ok && len(action) == 0
}

// occurrences returns the values of a field of bytes, without copying what is large;
// false if the message does not decode.
func occurrences(message []byte, field protowire.Number) (values [][]byte, ok bool) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil, false
		}
		size := protowire.ConsumeFieldValue(number, kind, message[n:])
		if size < 0 {
			return nil, false
		}
		if number == field && kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(message[n:])
			values = append(values, value)
		}
		message = message[n+size:]
	}
	return values, true
}
