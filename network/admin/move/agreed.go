package move

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/common/channelconfig"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/form"
	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/client"
)

// agreed is what all orderers have.
type agreed struct {
	config    *cb.Config
	consensus form.Consensus
}

// agreed waits until every orderer has the same config of the channel, and returns it: a step must not begin while one of
// them accepts envelopes by an earlier config, which it would append after the step's block.
func (m *move) agreed(ctx context.Context, t *command.Target) (agreed, error) {
	end := time.Now().Add(m.wait)
	for said := false; ; {
		s, missing := m.ask(ctx, t)
		switch {
		case missing == nil:
			return s, m.checkAllNamed(t, s.config)
		case errors.Is(missing, errDiverged), ctx.Err() != nil, m.dryRun, time.Now().After(end):
			return s, missing
		}
		if !said {
			said = true
			m.say("Waiting: %v", missing)
		}
		if err := m.sleep(ctx, t, pause); err != nil {
			return s, err
		}
	}
}

var errDiverged = errors.New("their ledgers have diverged (`osnkafka verify`)")

// ask returns the newest config of all orderers, and an error unless all have it.
func (m *move) ask(ctx context.Context, t *command.Target) (s agreed, err error) {
	var newest, behind string
	for _, name := range t.Orderers {
		config, _, err := m.at(ctx, t, name)
		if err != nil {
			return s, fmt.Errorf("%w\nEvery orderer must answer, since one that lags behind could acknowledge envelopes that no block will have; start it, or name it with --without if it no longer exists", err)
		}
		switch {
		case s.config == nil:
			s.config, newest = config, name
		case config.Sequence > s.config.Sequence:
			s.config, newest, behind = config, name, newest
		case config.Sequence < s.config.Sequence:
			behind = name
		case !proto.Equal(config, s.config):
			return s, fmt.Errorf("%s and %s have different configs with the same sequence %d: %w", newest, name, config.Sequence, errDiverged)
		}
	}
	if s.consensus, err = form.Read(s.config); err == nil && behind != "" {
		err = fmt.Errorf("%s does not have the newest config of channel %s: %s, and run the command again", behind, t.Channel, m.remedy(s.consensus))
	}
	return s, err
}

// at returns the config in force at an orderer, and the number of its block.
func (m *move) at(ctx context.Context, t *command.Target, name string) (*cb.Config, uint64, error) {
	block, err := t.Reader.ConfigBlock(ctx, name, t.Channel)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	config, err := client.ConfigOf(block)
	if err == nil && config == nil {
		err = errors.New("its config block has no config")
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	return config, block.Header.Number, nil
}

// checkAllNamed returns an error if the config names orderers that are not asked.
func (m *move) checkAllNamed(t *command.Target, config *cb.Config) error {
	var missing []string
	for _, address := range addresses(config) {
		if !slices.Contains(t.Orderers, address) && !slices.Contains(m.without, address) {
			missing = append(missing, address)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return command.Usagef("the channel's config has orderers that are not named: add --orderer %s, or --without for each address of an orderer that no longer exists, or is named by another address", strings.Join(missing, " --orderer "))
}

// addresses returns the addresses of orderers in a config.
func addresses(config *cb.Config) (all []string) {
	list := &cb.OrdererAddresses{}
	if proto.Unmarshal(config.GetChannelGroup().GetValues()[channelconfig.OrdererAddressesKey].GetValue(), list) == nil {
		all = append(all, list.Addresses...)
	}
	for _, org := range config.GetChannelGroup().GetGroups()[channelconfig.OrdererGroupKey].GetGroups() {
		endpoints := &cb.OrdererAddresses{}
		if proto.Unmarshal(org.GetValues()[channelconfig.EndpointsKey].GetValue(), endpoints) == nil {
			all = append(all, endpoints.Addresses...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

const pause = time.Second // between two questions

// awaitBlock waits until every orderer has the config that follows the one in force, and returns the number of its block.
func (m *move) awaitBlock(ctx context.Context, t *command.Target, before agreed, next step) (uint64, error) {
	is := form.Consensus{}
	var number uint64
	said := map[string]bool{}
	end := time.Now().Add(m.wait)
	for _, name := range t.Orderers {
		for {
			config, of, err := m.at(ctx, t, name)
			if err == nil && config.Sequence > before.config.Sequence {
				is, _ = form.Read(config) // an orderer has read it
				number = of
				break
			}
			if ctx.Err() != nil {
				return 0, ctx.Err()
			}
			if time.Now().After(end) {
				return 0, fmt.Errorf("%s did not get the block of step %q within %s: %s, and run the command again, which continues", name, next, m.wait, m.remedy(is))
			}
			if !said[name] {
				said[name] = true
				m.say("%s: waiting for %s; if this lasts, %s", next, name, m.remedy(is))
			}
			if err := m.sleep(ctx, t, pause); err != nil {
				return 0, err
			}
		}
	}
	return number, nil
}

// remedy returns what to do about an orderer that does not get the newest config.
func (m *move) remedy(newest form.Consensus) string {
	if orderingOf(newest) == raft && newest.State == fabric.StateNormal {
		return "restart it, unless it was restarted after the hand-over to Raft"
	}
	return "see its log"
}

// sleep pauses.
func (m *move) sleep(ctx context.Context, t *command.Target, d time.Duration) error {
	return t.Uncounted(func() error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return nil
		}
	})
}
