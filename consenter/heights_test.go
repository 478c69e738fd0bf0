package consenter

import (
	"net"
	"sync"
	"testing"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"

	"github.com/hyperledger/fabric/common/metrics/disabled"
	"github.com/hyperledger/fabric/orderer/common/cluster"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/fabric-kafka/orderer/chain/session"
)

// What another orderer says, or does not, of whether the channel has begun.
func TestOthers(t *testing.T) {
	ours := newAuthority(t)
	for name, test := range map[string]struct {
		prepare func(d *deliverer, first *cb.Block)
		height  uint64
		says    string // of an orderer that has not answered
	}{
		"serves no such channel":  {func(d *deliverer, _ *cb.Block) { d.status = cb.Status_NOT_FOUND }, 0, ""},
		"has the first block":     {func(d *deliverer, first *cb.Block) { d.blocks = []*cb.Block{first} }, 1, ""},
		"has blocks":              {func(d *deliverer, first *cb.Block) { d.blocks = ours.following(first) }, 3, ""},
		"refuses":                 {func(d *deliverer, _ *cb.Block) { d.status = cb.Status_FORBIDDEN }, 0, "it answers FORBIDDEN"},
		"cannot":                  {func(d *deliverer, _ *cb.Block) { d.status = cb.Status_SERVICE_UNAVAILABLE }, 0, "it answers SERVICE_UNAVAILABLE"},
		"says that all went well": {func(d *deliverer, _ *cb.Block) { d.status = cb.Status_SUCCESS }, 0, "it answers SUCCESS"},
		"says nothing": {func(d *deliverer, first *cb.Block) {
			d.blocks, d.silent = []*cb.Block{first}, true
		}, 0, errSlow.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			d := ours.deliverer()
			first := ours.genesis(d.address)
			test.prepare(d, first)
			wait := 5 * time.Second
			if d.silent {
				wait = 100 * time.Millisecond
			}
			_, p := ours.catchUpWithin(first, wait)
			got := p.Others(t.Context())
			require.Len(t, got, 1)
			require.Equal(t, d.address, got[0].From)
			require.EqualValues(t, test.height, got[0].Height)
			if test.says == "" {
				require.NoError(t, got[0].Err)
			} else {
				require.ErrorContains(t, got[0].Err, test.says)
			}
		})
	}
}

// An orderer that does not run has not answered.
func TestOthersThatDoNotRun(t *testing.T) {
	ours := newAuthority(t)
	_, p := ours.catchUp(ours.genesis("127.0.0.1:1"))
	got := p.Others(t.Context())
	require.Len(t, got, 1)
	require.ErrorContains(t, got[0].Err, "connection refused")
}

// This orderer is none of the others: a channel of one orderer begins at once, also
// before its process serves anybody.
func TestOthersWithoutSelf(t *testing.T) {
	ours := newAuthority(t)
	l := ours.stale(ours.genesis("127.0.0.1:7050", "localhost:7050", "127.0.0.1:7051"))
	for name, test := range map[string]struct {
		listen string
		port   uint16
		want   int
	}{
		"everywhere":        {"0.0.0.0", 7050, 1},
		"everywhere, too":   {"", 7050, 1},
		"by IPv6, too":      {"::", 7050, 1},
		"there":             {"127.0.0.1", 7051, 2},
		"by name":           {"localhost", 7051, 2},
		"at another of its": {"127.0.0.2", 7051, 3},
		"not known":         {"127.0.0.1", 0, 3},
	} {
		c := ours.consenter(100 * time.Millisecond)
		c.cluster.Address, c.cluster.Port = test.listen, test.port
		p, err := c.newPuller(l)
		require.NoError(t, err)
		require.Len(t, p.Others(t.Context()), test.want, name)
	}
}

// An address that stands for several machines is not this orderer's alone.
func TestOwnAddressIsOneMachine(t *testing.T) {
	s := ownAddress{port: 7050}
	for endpoint, want := range map[string]bool{
		"127.0.0.1:7050": true, "[::1]:7050": true, "127.0.0.1:7051": false, "192.0.2.1:7050": false, "no.such.name.invalid:7050": false, "odd": false,
	} {
		require.Equal(t, want, s.is(t.Context(), endpoint), endpoint)
	}
}

// Where the config names nobody, there is nobody to ask, and no connection is needed.
// Where it names somebody and there is no way, the channel does not begin.
func TestNoWayToOthers(t *testing.T) {
	ours := newAuthority(t)
	c := plainConsenter(t)
	p, err := c.newPuller(newSupport(t, channelSpec{kind: "kafka", brokers: []string{"kafka:9092"}}.config()))
	require.NoError(t, err)
	require.Empty(t, p.Others(t.Context()))
	_, err = p.Block(t.Context(), 1)
	require.ErrorIs(t, err, session.ErrNoBlock)

	_, err = c.newPuller(ours.stale(ours.genesis("127.0.0.1:1")))
	require.ErrorIs(t, err, session.ErrNoWay)
}

// A network without TLS between its orderers is one, too.
func TestOthersWithoutTLS(t *testing.T) {
	ours := newAuthority(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	d := &deliverer{address: listener.Addr().String()}
	first := ours.genesis(d.address)
	d.blocks = ours.following(first)
	server := grpc.NewServer()
	ab.RegisterAtomicBroadcastServer(server, d)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	defer serving.Wait()
	defer server.Stop()

	dialer := &cluster.PredicateDialer{}
	dialer.Config.DialTimeout = time.Minute
	c, err := New(Host{Metrics: &disabled.Provider{}, Crypto: crypto(t), Cluster: Cluster{Dialer: dialer}})
	require.NoError(t, err)
	p, err := c.newPuller(ours.stale(first))
	require.NoError(t, err)
	defer p.Close()
	require.Equal(t, []session.Answer{{From: d.address, Height: 3}}, p.Others(t.Context()))
	_, err = p.Block(t.Context(), 1)
	require.NoError(t, err)
}
