package session

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// appender is a host whose appends have one outcome.
type appender struct {
	Ledger
	Topic
	Validator
	err error
}

func (a appender) host() Host { return Host{Ledger: a, Topic: a, Validator: a} }

func (a appender) Process(_ machine.Class, envelope []byte) ([]byte, machine.ConfigSeq, error) {
	return envelope, 2, nil
}
func (a appender) Config() Config                       { return Config{Seq: 2} }
func (a appender) Append(context.Context, []byte) error { return a.err }
func (a appender) Reproduce(envelope []byte) ([]byte, machine.ConfigSeq, error) {
	return envelope, 2, nil
}

// An update that raced with another one is in the topic once for each orderer that read it:
// that is not a refusal. A broker that refuses a copy need not have found it too large.
func TestSkipsOfAStaleConfigSayWhy(t *testing.T) {
	envelope := configEnvelope(t)
	for _, c := range []struct {
		name   string
		append error
		times  int
		want   []machine.Reason
	}{
		{"a copy is in the topic", nil, 2, []machine.Reason{machine.ReasonCopy}},
		{"the copy is too large", &log.Error{Class: log.Rejected, Err: log.ErrTooLarge}, 1, []machine.Reason{machine.ReasonSize}},
		{"the copy is rejected", &log.Error{Class: log.Rejected, Err: errors.New("an invalid timestamp")}, 1, []machine.Reason{machine.ReasonRefused}},
	} {
		var got []machine.Reason
		e := New(appender{err: c.append}.host(), machine.Start{}, Settings{}, Events{
			Skipped: func(_ machine.Offset, reason machine.Reason, _ string) { got = append(got, reason) },
		})
		for at := range c.times {
			if err := e.resubmitConfig(t.Context(), machine.ResubmitConfig{Offset: machine.Offset(at), Envelope: machine.Envelope{Bytes: envelope}}); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: skipped for %q, want %q", c.name, got, c.want)
		}
	}
}

// A copy that the compatible rules ask for is skipped by the machine, and counted once.
func TestARejectedCopyIsSkippedOnce(t *testing.T) {
	var got []machine.Reason
	start := machine.Start{Channel: "mychannel", Next: 1, Seq: 2, Resubmission: true, Limits: machine.Limits{MaxMessageCount: 1, PreferredMaxBytes: 10, AbsoluteMaxBytes: 10},
		Metadata: machine.Metadata{Offset: -1, RuleSet: machine.Compatible}}
	host := appender{err: &log.Error{Class: log.Rejected, Err: log.ErrTooLarge}}
	e := New(host.host(), start, Settings{}, Events{Skipped: func(_ machine.Offset, reason machine.Reason, _ string) { got = append(got, reason) }})
	e.begin()
	record := machine.Regular{Offset: 0, Class: machine.Normal, ConfigSeq: 1, Envelope: machine.Envelope{Bytes: []byte("envelope"), Size: 8}}
	if err := e.step(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	if want := []machine.Reason{machine.ReasonRefused}; !slices.Equal(got, want) {
		t.Errorf("skipped for %q, want %q", got, want)
	}
}

// configEnvelope returns a config envelope as the log has it, with an update in it.
func configEnvelope(t *testing.T) []byte {
	header, err := fabric.Marshal(&fabric.ChannelHeader{Type: int32(fabric.HeaderTypeConfig), ChannelId: "mychannel"})
	if err != nil {
		t.Fatal(err)
	}
	config, err := fabric.Marshal(&fabric.ConfigEnvelope{LastUpdate: &fabric.Envelope{Payload: []byte("an update")}})
	if err != nil {
		t.Fatal(err)
	}
	return protoutil.MarshalOrPanic(&fabric.Envelope{Payload: protoutil.MarshalOrPanic(&fabric.Payload{Header: &fabric.Header{ChannelHeader: header}, Data: config})})
}
