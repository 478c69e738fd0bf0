package load_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
	"github.com/fabric-kafka/orderer/network/stress/load"
)

// several starts orderers on ledgers, one each, or all on one.
func several(t *testing.T, fault orderertest.Fault, ledgers ...*orderertest.Ledger) load.Config {
	c := load.Config{Channel: "mychannel", Who: orderertest.Identity(t), Size: 1024, Settle: time.Minute}
	for i, l := range ledgers {
		o := orderertest.Start(t, "mychannel", l, fault)
		c.Targets = append(c.Targets, load.Target{Name: string(rune('a' + i)), Address: o.Address, CA: o.CA})
	}
	return c
}

func ledger() *orderertest.Ledger { return orderertest.NewLedger([]byte("genesis")) }

func run(t *testing.T, c load.Config) load.Result {
	r, err := load.Run(t.Context(), c)
	checktest.Must(t, err)
	return r
}

func TestEverythingIsOrderedOnce(t *testing.T) {
	t.Parallel()
	shared := ledger()
	shared.Append([]byte("somebody else's, from before"))
	c := several(t, nil, shared, shared, shared)
	c.Tx, c.Streams = 50, 7
	r := run(t, c)
	if !r.Sound() {
		t.Fatal("the run is not sound")
	}
	if r.Sent != 50 {
		t.Fatalf("r.Sent is %v, want 50", r.Sent)
	}
	if r.Acknowledged != 50 {
		t.Fatalf("r.Acknowledged is %v, want 50", r.Acknowledged)
	}
	for _, o := range r.Orderers {
		if o.Ordered != 50 {
			t.Fatalf("o.Ordered is %v, want 50", o.Ordered)
		}
		if o.Blocks != 50 {
			t.Fatalf("o.Blocks is %v, want 50", o.Blocks)
		}
	}
	if r.CommittedTx <= 0 {
		t.Fatalf("got %v, want more than 0", r.CommittedTx)
	}
	if r.AckP50 <= 0 {
		t.Fatalf("got %v, want more than 0", r.AckP50)
	}
	if r.CommitP50 > r.CommitP99 {
		t.Fatalf("r.CommitP50 is %v, want at most %v", r.CommitP50, r.CommitP99)
	}
	if got, text := r.String(), "missing 0, duplicated 0"; !strings.Contains(got, text) {
		t.Fatalf("%q is not in %q", text, got)
	}
}

func TestAcknowledgedAndLostIsMissing(t *testing.T) {
	t.Parallel()
	c := several(t, func(n int) orderertest.Fate {
		if n == 3 {
			return orderertest.Fate{Status: cb.Status_SUCCESS}
		}
		return orderertest.Ordered()
	}, ledger())
	c.Tx = 10
	c.Settle = 2 * time.Second // what is missing never comes
	r := run(t, c)
	if r.Acknowledged != 10 {
		t.Fatalf("r.Acknowledged is %v, want 10", r.Acknowledged)
	}
	if r.Missing != 1 {
		t.Fatalf("r.Missing is %v, want 1", r.Missing)
	}
	if r.Sound() {
		t.Fatal("the run is sound")
	}
}

// An orderer that lacks what the others have is at fault too.
func TestMissingOnOneOrdererIsMissing(t *testing.T) {
	t.Parallel()
	c := several(t, nil, ledger(), ledger())
	c.Follow, c.Targets = c.Targets, c.Targets[:1]
	c.Tx = 4
	c.Settle = 2 * time.Second // what is missing never comes
	r := run(t, c)
	if r.Missing != 4 {
		t.Fatalf("r.Missing is %v, want 4", r.Missing)
	}
	if r.Orderers[0].Ordered != 4 {
		t.Fatalf("r.Orderers[0].Ordered is %v, want 4", r.Orderers[0].Ordered)
	}
	if r.Orderers[1].Ordered != 0 {
		t.Fatalf("got %v, want 0", r.Orderers[1].Ordered)
	}
}

func TestASecondCopyIsADuplicate(t *testing.T) {
	t.Parallel()
	c := several(t, func(n int) orderertest.Fate {
		if n == 9 { // the last: its second copy comes after all that was waited for
			return orderertest.Fate{Copies: 2, Status: cb.Status_SUCCESS}
		}
		return orderertest.Ordered()
	}, ledger())
	c.Tx = 10
	r := run(t, c)
	if r.Duplicated != 1 {
		t.Fatalf("r.Duplicated is %v, want 1", r.Duplicated)
	}
	if r.Missing != 0 {
		t.Fatalf("got %v, want 0", r.Missing)
	}
	if r.Sound() {
		t.Fatal("the run is sound")
	}
}

// What was not acknowledged may be ordered, or not, but not twice.
func TestPersistContinuesAfterErrors(t *testing.T) {
	t.Parallel()
	fates := map[int]orderertest.Fate{
		0: {Status: cb.Status_SERVICE_UNAVAILABLE},
		1: {Copies: 1},
		2: {},
	}
	c := several(t, func(n int) orderertest.Fate {
		if f, ok := fates[n]; ok {
			return f
		}
		return orderertest.Ordered()
	}, ledger())
	c.Tx, c.Persist = 8, true
	r := run(t, c)
	if r.Sent != 8 {
		t.Fatalf("r.Sent is %v, want 8", r.Sent)
	}
	if r.Acknowledged != 5 {
		t.Fatalf("r.Acknowledged is %v, want 5", r.Acknowledged)
	}
	if r.Refused != 1 {
		t.Fatalf("r.Refused is %v, want 1", r.Refused)
	}
	if r.Unknown != 2 {
		t.Fatalf("r.Unknown is %v, want 2", r.Unknown)
	}
	if r.Orderers[0].Ordered != 6 {
		t.Fatalf("r.Orderers[0].Ordered is %v, want 6", r.Orderers[0].Ordered)
	}
	if want := map[string]int{"SERVICE_UNAVAILABLE: as the test wants": 1}; !reflect.DeepEqual(r.Reasons, want) {
		t.Fatalf("r.Reasons is %v, want %v", r.Reasons, want)
	}
	if !r.Sound() {
		t.Fatal("the run is not sound")
	}
}

func TestWithoutPersistTheFirstErrorEndsTheRun(t *testing.T) {
	t.Parallel()
	c := several(t, func(int) orderertest.Fate { return orderertest.Fate{Status: cb.Status_FORBIDDEN} }, ledger())
	c.Tx = 10
	r, err := load.Run(t.Context(), c)
	checktest.Fails(t, err, "a: FORBIDDEN")
	if r.Refused != 1 {
		t.Fatalf("r.Refused is %v, want 1", r.Refused)
	}
	if r.Acknowledged != 0 {
		t.Fatalf("got %v, want 0", r.Acknowledged)
	}
}

func TestUntilEndsTheSendingInTime(t *testing.T) {
	t.Parallel()
	for span := 300 * time.Millisecond; ; span *= 2 { // on a busy machine the first is sent late
		c := several(t, nil, ledger())
		c.Until, c.Rate = time.Now().Add(span), 100
		r := run(t, c)
		if r.Sent == 0 && span < time.Minute {
			continue
		}
		if !r.Sound() {
			t.Fatal("the run is not sound")
		}
		if r.Sent > int(span.Seconds()*100)+2 {
			t.Fatalf("no more than the rate allows until then: r.Sent is %v, want at most %v", r.Sent, int(span.Seconds()*100)+2)
		}
		return
	}
}

func TestEnoughEndsTheSending(t *testing.T) {
	t.Parallel()
	enough := make(chan struct{})
	c := several(t, func(n int) orderertest.Fate {
		if n == 20 {
			close(enough)
		}
		return orderertest.Ordered()
	}, ledger())
	c.Until, c.Rate, c.Enough = time.Now().Add(time.Hour), 100, enough
	r := run(t, c)
	if !r.Sound() {
		t.Fatal("the run is not sound")
	}
	if r.Acknowledged <= 0 {
		t.Fatalf("got %v, want more than 0", r.Acknowledged)
	}
	if r.Sent >= 100 {
		t.Fatalf("r.Sent is %v, want less than 100", r.Sent)
	}
}

func TestUntilInThePastSendsNothing(t *testing.T) {
	t.Parallel()
	c := several(t, nil, ledger())
	c.Until = time.Now()
	r := run(t, c)
	if r.Sent != 0 {
		t.Fatalf("got %v, want 0", r.Sent)
	}
	if r.Sound() {
		t.Fatal("nothing was acknowledged, and the run is sound")
	}
}

// Sound has a rule for each way of breaking the promise, and for a run without one.
func TestSoundDoctored(t *testing.T) {
	if !(load.Result{Acknowledged: 1}.Sound()) {
		t.Fatal("one acknowledged envelope, and the run is not sound")
	}
	for _, r := range []load.Result{{}, {Sent: 5, Refused: 5}, {Acknowledged: 1, Missing: 1}, {Acknowledged: 1, Duplicated: 1}} {
		if r.Sound() {
			t.Fatalf("%+v: the run is sound", r)
		}
	}
}

func TestNothingToDoIsAnError(t *testing.T) {
	t.Parallel()
	_, err := load.Run(t.Context(), load.Config{Tx: 1})
	if err == nil {
		t.Fatal("there is no error")
	}
	_, err = load.Run(t.Context(), several(t, nil, ledger()))
	if err == nil {
		t.Fatal("there is no error")
	}
}

func TestAnUnreachableOrdererIsNamed(t *testing.T) {
	t.Parallel()
	c := several(t, nil, ledger())
	c.Targets[0].Address = "127.0.0.1:1"
	c.Tx = 1
	_, err := load.Run(t.Context(), c)
	checktest.Fails(t, err, "127.0.0.1:1")
}
