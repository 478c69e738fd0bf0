package move

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/golang/protobuf/proto"
	"github.com/hyperledger/fabric-config/configtx"
	"github.com/hyperledger/fabric-config/protolator"
	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/client"
)

// update returns the config update of a step.
func (m *move) update(channel string, s agreed, next step) ([]byte, error) {
	tx := configtx.New(s.config)
	config := tx.UpdatedConfig()
	var err error
	switch next {
	case toMaintenance:
		err = setState(config, fabric.StateMaintenance)
	case m.transition.by:
		err = m.change(config)
	case toNormal:
		err = setState(config, fabric.StateNormal)
	}
	if err != nil {
		return nil, err
	}
	return tx.ComputeMarshaledUpdate(channel)
}

func setState(config *cb.Config, state fabric.ConsensusState) error {
	return setConsensus(config, func(c *ab.ConsensusType) error {
		c.State = state
		return nil
	})
}

// setConsensus changes the consensus type of a config.
func setConsensus(config *cb.Config, change func(*ab.ConsensusType) error) error {
	value := config.GetChannelGroup().GetGroups()[channelconfig.OrdererGroupKey].GetValues()[channelconfig.ConsensusTypeKey]
	if value == nil {
		return errors.New("the config has no consensus type")
	}
	c := &ab.ConsensusType{}
	if err := proto.Unmarshal(value.Value, c); err != nil {
		return err
	}
	if err := change(c); err != nil {
		return err
	}
	text, err := proto.Marshal(c)
	value.Value = text
	return err
}

// show prints the update that changes how the channel is ordered.
func (m *move) show(s agreed, p command.Printer) error {
	change := s
	if m.change == nil {
		return errors.New("how the channel is ordered has already been changed: what is left is to end maintenance mode")
	}
	change.config = proto.Clone(s.config).(*cb.Config)
	if err := setState(change.config, fabric.StateMaintenance); err != nil {
		return err
	}
	raw, err := m.update(m.report.Channel, change, m.transition.by)
	if err != nil {
		return err
	}
	update := &cb.ConfigUpdate{}
	if err := proto.Unmarshal(raw, update); err != nil {
		return err
	}
	var text bytes.Buffer
	if err := protolator.DeepMarshalJSON(&text, update); err != nil {
		return err
	}
	m.say("Nothing was submitted. In maintenance mode, this update would change how the channel is ordered:")
	_, err = fmt.Fprintln(p.Out, strings.TrimSpace(text.String()))
	return err
}

// saveUpdate writes the update of a step, with the signatures that this command has.
func (m *move) saveUpdate(channel string, s agreed, next step) error {
	update, err := m.update(channel, s, next)
	if err != nil {
		return err
	}
	envelope, err := client.SignedUpdate(channel, update, m.identities...)
	if err != nil {
		return err
	}
	if err := os.WriteFile(m.save, protoutil.MarshalOrPanic(envelope), 0o644); err != nil {
		return command.Usage(err)
	}
	m.say("%s: the update is in %s. Have it signed (peer channel signconfigtx -f) and submitted (peer channel update -f, in maintenance mode as a member of an orderer organization); then run this command again", next, m.save)
	return nil
}

// signer loads the identity of MSPID:DIR.
func signer(text string) (*client.Identity, error) {
	id, dir, ok := strings.Cut(text, ":")
	if !ok || id == "" || dir == "" {
		return nil, errors.New("want MSPID:DIR")
	}
	return client.LoadMSP(id, dir)
}

// submit sends an update to one orderer after the other until one accepts it. After a change to Raft, whose orderers have
// to be restarted, it tries again until there is a leader.
func (m *move) submit(ctx context.Context, t *command.Target, s agreed, next step, update []byte) error {
	envelope, err := client.SignedUpdate(t.Channel, update, m.identities...)
	if err != nil {
		return err
	}
	awaitsLeader := orderingOf(s.consensus) == raft
	end := time.Now().Add(m.wait)
	for said := false; ; {
		err := t.AnyOrderer(func(name string) error { return m.send(ctx, t, name, envelope) })
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !awaitsLeader || !transient(err):
			return m.explain(next, err)
		case time.Now().After(end):
			return fmt.Errorf("the orderers have not elected a Raft leader within %s: %w\nRestart those that were not restarted after the hand-over to Raft, and run the command again, which continues", m.wait, err)
		}
		if !said {
			said = true
			m.say("Restart every orderer of the channel now, one after the other: each orders by Raft from then on. Waiting until they have a leader")
		}
		if err := m.sleep(ctx, t, pause); err != nil {
			return err
		}
	}
}

// transient reports whether an orderer may answer differently once it orders by Raft.
func transient(err error) bool {
	var no *client.Refusal
	return !errors.As(err, &no) || no.Status == cb.Status_SERVICE_UNAVAILABLE || no.Status == cb.Status_NOT_FOUND
}

// updateTimeout is how long an orderer may take to answer an update: it waits for the brokers.
const updateTimeout = 30 * time.Second

func (m *move) send(ctx context.Context, t *command.Target, name string, envelope *cb.Envelope) error {
	return t.Uncounted(func() error {
		o, err := t.Reader.Dial(name)
		if err != nil {
			return err
		}
		defer o.Close()
		ctx, cancel := context.WithTimeout(ctx, updateTimeout)
		defer cancel()
		if err := o.Submit(ctx, envelope); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
}

// explain adds what to do about a refusal.
func (m *move) explain(next step, err error) error {
	var no *client.Refusal
	if !errors.As(err, &no) {
		return err
	}
	switch {
	case no.Status == cb.Status_FORBIDDEN:
		return fmt.Errorf("%s: %w\nIn maintenance mode the client must be an administrator of an orderer organization (--mspdir, --mspid)", next, err)
	case strings.Contains(no.Info, "implicit policy evaluation failed"), strings.Contains(no.Info, "did not satisfy policy"):
		return fmt.Errorf("%s: %w\nAdd the signatures that the policy asks for: --sign MSPID:DIR for each, or --save FILE to have it signed elsewhere", next, err)
	case next == m.transition.by && strings.Contains(no.Info, "transition not supported"):
		return fmt.Errorf("%s: %w\nOrderers on Fabric 3 refuse this change: send it while the channel still has orderers on 2.5", next, err)
	}
	return fmt.Errorf("%s: %w", next, err)
}
