package chain

import (
	"context"
	"strings"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/status"
)

// Preflight is what happens to a channel whose topic has flaws.
type Preflight string

const (
	PreflightWarn    Preflight = "warn"    // they are reported; the default
	PreflightEnforce Preflight = "enforce" // and the channel does not start before they are fixed
	PreflightOff     Preflight = "off"     // the topic is not surveyed
)

// refused is why a channel does not start. It is retried without limit: each attempt is another survey.
type refused struct{ flaws []log.Finding }

func (r refused) Error() string {
	var said []string
	for _, f := range r.flaws {
		said = append(said, f.String())
	}
	return "the preflight refuses the channel's topic: " + strings.Join(said, "; ")
}

// Survey checks a topic until it was found fit once: stopping a running channel because of a setting would do more
// harm.
func (t *topic) Survey(ctx context.Context, opened log.Log) error {
	if t.surveyed || t.opts.Preflight != PreflightEnforce {
		return nil
	}
	found, err := opened.Survey(ctx)
	if err != nil {
		return err
	}
	t.opts.Events.Surveyed(found, nil)
	if flaws := log.Of(log.Flawed, found); len(flaws) > 0 {
		return status.Fault{Cause: status.CausePreflight, Err: refused{flaws}}
	}
	t.surveyed = true
	return nil
}
