package integration_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/protoutil"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/stress/load"
)

// Tests of the checks that specs end with: each must fail on the fault that it is there to detect. None needs a network.

// refuses runs a check that must fail with this text, or pass if the text is empty.
func refuses(t *testing.T, what, text string, check func()) {
	t.Helper()
	RegisterTestingT(t)
	found := ""
	if err := InterceptGomegaFailure(check); err != nil {
		found = err.Error()
	}
	if (found == "") != (text == "") || !strings.Contains(found, text) {
		t.Errorf("%s: the check reports %q, want %q", what, found, text)
	}
}

func TestCheckOfLoads(t *testing.T) {
	sound := load.Result{Sent: 200, Acknowledged: 150}
	for _, c := range []struct {
		what, text string
		change     func(*load.Result)
	}{
		{"a sound load", "", func(*load.Result) {}},
		{"nothing acknowledged", "the load did not get through", func(r *load.Result) { r.Acknowledged = 0 }},
		{"hardly anything acknowledged", "the load did not get through", func(r *load.Result) { r.Acknowledged = 100 }},
		{"one missing", "acknowledged envelopes are missing", func(r *load.Result) { r.Missing = 1 }},
		{"one twice", "envelopes are in the ledger twice", func(r *load.Result) { r.Duplicated = 1 }},
	} {
		r := &running{make(chan load.Result, 1)}
		result := sound
		c.change(&result)
		r.result <- result
		refuses(t, c.what, c.text, func() { r.sound(t.Context()) })
	}
	ended := &running{make(chan load.Result)}
	close(ended.result)
	refuses(t, "a load that crashed", "The channel is closed", func() { ended.sound(t.Context()) })
}

func TestCheckOfRefusals(t *testing.T) {
	for what, err := range map[string]error{
		"success":        nil,
		"another status": &client.Refusal{Status: cb.Status_FORBIDDEN, Info: "the envelope is not ordered"},
		"another text":   &client.Refusal{Status: cb.Status_SERVICE_UNAVAILABLE, Info: "go away"},
		"no answer":      errors.New("SERVICE_UNAVAILABLE: the envelope is not ordered"),
	} {
		refuses(t, what, "be refused with SERVICE_UNAVAILABLE", func() {
			Expect(err).To(refuse(cb.Status_SERVICE_UNAVAILABLE, "is not ordered"))
		})
	}
	refuses(t, "the refusal", "", func() {
		Expect(&client.Refusal{Status: cb.Status_SERVICE_UNAVAILABLE, Info: "the envelope is not ordered"}).
			To(refuse(cb.Status_SERVICE_UNAVAILABLE, "is not ordered"))
	})
}

// ledgers returns a world whose orderers, named a, b and so on, serve these ledgers.
func ledgers(t *testing.T, all ...*orderertest.Ledger) *world {
	cert, key := orderertest.IdentityFiles(t)
	d := fabricnet.Descriptor{Admin: fabricnet.Admin{MSPID: "OrdererMSP", Cert: cert, Key: key}}
	for i, l := range all {
		o := orderertest.Start(t, "mychannel", l, nil)
		d.Orderers = append(d.Orderers, fabricnet.Orderer{Name: string(rune('a' + i)), Address: o.Address, TLSCA: o.CA})
	}
	r, err := fabricnet.NewReader("/", d)
	if err != nil {
		t.Fatal(err)
	}
	return &world{reader: r, user: r.Identity()}
}

func ledger(envelopes ...string) *orderertest.Ledger {
	l := orderertest.NewLedger([]byte("genesis"))
	for _, e := range envelopes {
		l.Append([]byte(e))
	}
	return l
}

func TestCheckOfLedgers(t *testing.T) {
	both := []string{"a", "b"}
	for _, c := range []struct {
		what, text string
		b          *orderertest.Ledger
		channel    string
		waits      time.Duration
	}{
		{"equal ledgers", "", ledger("1", "2"), "mychannel", time.Minute},
		{"one is shorter", "the orderers' heights differ", ledger("1"), "mychannel", time.Second},
		{"one has another block", "differs at block 2", ledger("1", "two"), "mychannel", time.Minute},
		{"no orderer has the channel", "the orderers' heights differ", ledger("1", "2"), "another", time.Second},
		{"no orderer answers in time", "the orderers' heights differ", ledger("1", "2"), "mychannel", 0},
	} {
		w := ledgers(t, ledger("1", "2"), c.b)
		ctx, cancel := context.WithTimeout(t.Context(), c.waits)
		refuses(t, c.what, c.text, func() { w.equal(ctx, c.channel, both...) })
		cancel()
	}
}

func TestCheckOfCopies(t *testing.T) {
	RegisterTestingT(t)
	e := &cb.Envelope{Payload: []byte("p"), Signature: []byte("s")}
	bytes := string(protoutil.MarshalOrPanic(e))
	for _, c := range []struct {
		what   string
		ledger *orderertest.Ledger
		want   int
	}{
		{"none", ledger("1"), 0}, {"once", ledger("1", bytes), 1}, {"twice", ledger(bytes, "2", bytes), 2},
	} {
		got := ledgers(t, c.ledger).copies(t.Context(), "mychannel", []*cb.Envelope{e}, "a")
		if len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: %v copies", c.what, got)
		}
	}
}

func TestCheckOfReaders(t *testing.T) {
	w := ledgers(t, ledger("1", "2"))
	for height, sound := range map[uint64]bool{1: true, 3: true, 4: false} {
		wait := time.Minute
		if !sound { // readable would wait for the block
			wait = time.Second
		}
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		if err := w.readable(ctx, "a", "mychannel", height); (err == nil) != sound {
			t.Errorf("height %d of 3: %v", height, err)
		}
		cancel()
	}
}
