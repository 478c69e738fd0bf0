package consenter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/consenter/settings"
)

var _ fabric.HealthChecker = (*health)(nil)

// healthComponent is the name of the check in the response of /healthz.
const healthComponent = "kafka"

// health tracks the channels that are cut off from Kafka. A channel that has stopped is
// not one of them: a failed check leads to a restart, which would not bring it back. It
// is safe for concurrent use.
type health struct {
	grace time.Duration

	mu  sync.Mutex
	cut map[string]outage // by channel
}

type outage struct {
	since time.Time
	err   error
}

func newHealth(grace time.Duration) *health {
	return &health{grace: grace, cut: map[string]outage{}}
}

func (h *health) cutOff(channel string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o := outage{since: time.Now(), err: err}
	if before, lasts := h.cut[channel]; lasts {
		o.since = before.since
	}
	h.cut[channel] = o
}

// clear records that a channel is no longer cut off, or has stopped.
func (h *health) clear(channel string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.cut, channel)
}

// HealthCheck returns an error that names the channels that have been cut off for longer than grace.
func (h *health) HealthCheck(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var faults []string
	for channel, o := range h.cut {
		if lasts := time.Since(o.since); lasts > h.grace {
			faults = append(faults, fmt.Sprintf("channel %s has been cut off for %s: %v", channel, lasts.Round(time.Second), o.err))
		}
	}
	if len(faults) == 0 {
		return nil
	}
	slices.Sort(faults)
	return errors.New(strings.Join(faults, "; "))
}

// register adds the check to those of /healthz, if the operator configured that.
func (h *health) register(mode string, with fabric.HealthRegistry) error {
	if mode != settings.HealthBrokers {
		return nil
	}
	if with == nil {
		return fmt.Errorf("%s.Health is %q, but this build of the orderer gives the plugin no health checks; want %q", settings.Key, mode, settings.Off)
	}
	return with.RegisterChecker(healthComponent, h)
}
