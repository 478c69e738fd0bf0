package load_test

import (
	"testing"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/stretchr/testify/require"

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
	require.NoError(t, err)
	return r
}

func TestEverythingIsOrderedOnce(t *testing.T) {
	t.Parallel()
	shared := ledger()
	shared.Append([]byte("somebody else's, from before"))
	c := several(t, nil, shared, shared, shared)
	c.Tx, c.Streams = 50, 7
	r := run(t, c)
	require.True(t, r.Sound())
	require.Equal(t, 50, r.Sent)
	require.Equal(t, 50, r.Acknowledged)
	for _, o := range r.Orderers {
		require.Equal(t, 50, o.Ordered)
		require.Equal(t, 50, o.Blocks)
	}
	require.Positive(t, r.CommittedTx)
	require.Positive(t, r.AckP50)
	require.LessOrEqual(t, r.CommitP50, r.CommitP99)
	require.Contains(t, r.String(), "missing 0, duplicated 0")
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
	require.Equal(t, 10, r.Acknowledged)
	require.Equal(t, 1, r.Missing)
	require.False(t, r.Sound())
}

// An orderer that lacks what the others have is at fault too.
func TestMissingOnOneOrdererIsMissing(t *testing.T) {
	t.Parallel()
	c := several(t, nil, ledger(), ledger())
	c.Follow, c.Targets = c.Targets, c.Targets[:1]
	c.Tx = 4
	c.Settle = 2 * time.Second // what is missing never comes
	r := run(t, c)
	require.Equal(t, 4, r.Missing)
	require.Equal(t, 4, r.Orderers[0].Ordered)
	require.Zero(t, r.Orderers[1].Ordered)
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
	require.Equal(t, 1, r.Duplicated)
	require.Zero(t, r.Missing)
	require.False(t, r.Sound())
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
	require.Equal(t, 8, r.Sent)
	require.Equal(t, 5, r.Acknowledged)
	require.Equal(t, 1, r.Refused)
	require.Equal(t, 2, r.Unknown)
	require.Equal(t, 6, r.Orderers[0].Ordered)
	require.Equal(t, map[string]int{"SERVICE_UNAVAILABLE: as the test wants": 1}, r.Reasons)
	require.True(t, r.Sound())
}

func TestWithoutPersistTheFirstErrorEndsTheRun(t *testing.T) {
	t.Parallel()
	c := several(t, func(int) orderertest.Fate { return orderertest.Fate{Status: cb.Status_FORBIDDEN} }, ledger())
	c.Tx = 10
	r, err := load.Run(t.Context(), c)
	require.ErrorContains(t, err, "a: FORBIDDEN")
	require.Equal(t, 1, r.Refused)
	require.Zero(t, r.Acknowledged)
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
		require.True(t, r.Sound())
		require.LessOrEqual(t, r.Sent, int(span.Seconds()*100)+2, "no more than the rate allows until then")
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
	require.True(t, r.Sound())
	require.Positive(t, r.Acknowledged)
	require.Less(t, r.Sent, 100)
}

func TestUntilInThePastSendsNothing(t *testing.T) {
	t.Parallel()
	c := several(t, nil, ledger())
	c.Until = time.Now()
	r := run(t, c)
	require.Zero(t, r.Sent)
	require.False(t, r.Sound(), "nothing was acknowledged")
}

// Sound has a rule for each way of breaking the promise, and for a run without one.
func TestSoundDoctored(t *testing.T) {
	require.True(t, load.Result{Acknowledged: 1}.Sound())
	for _, r := range []load.Result{{}, {Sent: 5, Refused: 5}, {Acknowledged: 1, Missing: 1}, {Acknowledged: 1, Duplicated: 1}} {
		require.False(t, r.Sound(), "%+v", r)
	}
}

func TestNothingToDoIsAnError(t *testing.T) {
	t.Parallel()
	_, err := load.Run(t.Context(), load.Config{Tx: 1})
	require.Error(t, err)
	_, err = load.Run(t.Context(), several(t, nil, ledger()))
	require.Error(t, err)
}

func TestAnUnreachableOrdererIsNamed(t *testing.T) {
	t.Parallel()
	c := several(t, nil, ledger())
	c.Targets[0].Address = "127.0.0.1:1"
	c.Tx = 1
	_, err := load.Run(t.Context(), c)
	require.ErrorContains(t, err, "127.0.0.1:1")
}
