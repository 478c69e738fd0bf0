package status

import (
	"errors"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/log"
)

// Refusal is why an envelope was not accepted from a client: one of a fixed set of words.
type Refusal string

const (
	RefusalHalted       Refusal = "halted"        // the channel is being removed from this orderer
	RefusalFailed       Refusal = "failed"        // the channel has stopped; its Cause says why
	RefusalNotReady     Refusal = "not-ready"     // the channel is starting, or is kept from ordering
	RefusalNoPeer       Refusal = "no-peer"       // peers would refuse a block with the envelope
	RefusalConfig       Refusal = "config"        // a config that the orderers would not write a block of
	RefusalOtherCluster Refusal = "other-cluster" // a config that names brokers of another cluster
	RefusalSize         Refusal = "size"          // larger than the topic, or this orderer's client, accepts
	RefusalBusy         Refusal = "busy"          // too many envelopes await their acknowledgement, or their block
	RefusalNotAppended  Refusal = "not-appended"  // it could not be appended, and will not be ordered
	RefusalAmbiguous    Refusal = "ambiguous"     // it may be in the topic, and may be ordered
)

// Refused is the error of an envelope that was not accepted.
type Refused struct {
	Refusal Refusal
	Err     error // the client's answer
}

func (r Refused) Error() string { return r.Err.Error() }

func (r Refused) Unwrap() error { return r.Err }

// RefusalOf returns why an envelope was not accepted; empty if err does not say.
func RefusalOf(err error) Refusal {
	var r Refused
	switch {
	case errors.As(err, &r):
		return r.Refusal
	case errors.Is(err, ErrHalted):
		return RefusalHalted
	case errors.Is(err, ErrFailed):
		return RefusalFailed
	case errors.Is(err, ErrNotReady):
		return RefusalNotReady
	}
	return ""
}

// AppendError returns the answer to a client whose record was appended with err: nil, which is SUCCESS,
// only once all in-sync replicas have the record.
func AppendError(err error) error {
	if err == nil {
		return nil
	}
	switch log.ClassOf(err) {
	case log.Rejected:
		return Refused{RefusalSize, fmt.Errorf("the channel's topic does not accept the envelope: %w", err)}
	case log.Ambiguous:
		return Refused{RefusalAmbiguous, fmt.Errorf("%w: the envelope may or may not be ordered: %w", ErrNotReady, err)}
	}
	return Refused{RefusalNotAppended, fmt.Errorf("%w: the envelope is not ordered: %w", ErrNotReady, err)}
}
