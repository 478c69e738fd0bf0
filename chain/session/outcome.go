package session

import (
	"errors"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/status"
)

// Outcome is what has to be done next.
type Outcome int

const (
	Continue  Outcome = iota // call Advance again
	Due                      // the wait of Advance is over
	Reconnect                // connect again at once: nothing is wrong
	CatchUp                  // call CatchUp: the topic no longer has the next record
	Retry                    // connect again after a pause: the log cannot be read
	Await                    // the same, but the channel waits for other orderers
	Stop                     // the channel has stopped, until an operator removes the cause
)

// stop marks an error as one whose cause only an operator can remove.
func stop(err error) error { return status.Stopped{Err: err} }

// because returns an error with a cause.
func because(c status.Cause, err error) error { return status.Fault{Cause: c, Err: err} }

// errOtherTopic ends a session whose records do not belong to the topic that was identified. The next session finds
// out what happened.
var errOtherTopic = errors.New("the records are of another topic")

// After ends the session and returns what follows an error of the session, or of CatchUp.
func (d *Driver) After(err error) Outcome {
	d.Close()
	var deleted trimmed
	switch {
	case errors.As(err, &status.Stopped{}):
		return Stop
	case errors.As(err, &missingBlock{}):
		d.host.Moved(status.Pulling, err)
		return Await
	case errors.As(err, &waiting{}):
		d.noBlock, d.notGiven = false, nil
		d.host.Moved(status.Waiting, err)
		return Await
	case errors.As(err, &deleted):
		d.trimmed = deleted
		return CatchUp
	case errors.Is(err, errOtherTopic), errors.Is(err, log.ErrNewLeader):
		return Reconnect
	case errors.Is(err, log.ErrOutOfRange): // the next session reports how the topic lost its records
	case log.ClassOf(err) == log.Fatal:
		return Stop
	}
	d.noBlock, d.lost, d.aheadSince = false, true, nil
	d.verifyAgain()
	d.host.Moved(status.CutOff, err)
	return Retry
}
