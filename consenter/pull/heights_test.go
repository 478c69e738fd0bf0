package pull

import (
	"errors"
	"fmt"
	"net"
	"reflect"
	"sync"
	"testing"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/orderer/common/cluster"
	"google.golang.org/grpc"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/session"
)

// Others returns the heights that other orderers report, or why they report none.
func TestOthers(t *testing.T) {
	ours := newAuthority(t)
	for name, test := range map[string]struct {
		prepare func(d *deliverer, first *cb.Block)
		height  uint64
		says    string // the error; empty for none
	}{
		"serves no such channel": {func(d *deliverer, _ *cb.Block) { d.status = cb.Status_NOT_FOUND }, 0, ""},
		"has the first block":    {func(d *deliverer, first *cb.Block) { d.blocks = []*cb.Block{first} }, 1, ""},
		"has blocks":             {func(d *deliverer, first *cb.Block) { d.blocks = ours.following(first) }, 3, ""},
		"refuses":                {func(d *deliverer, _ *cb.Block) { d.status = cb.Status_FORBIDDEN }, 0, "it answers FORBIDDEN"},
		"is unavailable":         {func(d *deliverer, _ *cb.Block) { d.status = cb.Status_SERVICE_UNAVAILABLE }, 0, "it answers SERVICE_UNAVAILABLE"},
		"answers SUCCESS alone":  {func(d *deliverer, _ *cb.Block) { d.status = cb.Status_SUCCESS }, 0, "it answers SUCCESS"},
		"does not answer": {func(d *deliverer, first *cb.Block) {
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
			if got := got; len(got) != 1 {
				t.Fatalf("got %v, want %d of them", got, 1)
			}
			if got, want := got[0].From, d.address; !reflect.DeepEqual(got, want) {
				t.Fatalf("got %v, want %v", got, want)
			}
			if got, want := got[0].Height, test.height; fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("got %v, want %v", got, want)
			}
			if test.says == "" {
				checktest.Must(t, got[0].Err)
			} else {
				checktest.Fails(t, got[0].Err, test.says)
			}
		})
	}
}

// An orderer that is not running has not answered.
func TestOthersThatDoNotRun(t *testing.T) {
	ours := newAuthority(t)
	_, p := ours.catchUp(ours.genesis("127.0.0.1:1"))
	got := p.Others(t.Context())
	if got := got; len(got) != 1 {
		t.Fatalf("got %v, want %d of them", got, 1)
	}
	checktest.Fails(t, got[0].Err, "connection refused")
}

// This orderer is not one of the others: a channel of one orderer starts at once, even before
// its process serves clients.
func TestOthersWithoutOwnAddress(t *testing.T) {
	ours := newAuthority(t)
	l := ours.stale(ours.genesis("127.0.0.1:7050", "localhost:7050", "127.0.0.1:7051"))
	for name, test := range map[string]struct {
		listen string
		port   uint16
		want   int
	}{
		"on all addresses":        {"0.0.0.0", 7050, 1},
		"on all addresses, empty": {"", 7050, 1},
		"on all addresses, IPv6":  {"::", 7050, 1},
		"on this address":         {"127.0.0.1", 7051, 2},
		"by name":                 {"localhost", 7051, 2},
		"on another address":      {"127.0.0.2", 7051, 3},
		"port unknown":            {"127.0.0.1", 0, 3},
	} {
		p, err := ours.factoryAt(test.listen, test.port, 100*time.Millisecond).New(l)
		checktest.Must(t, err)
		if got := p.Others(t.Context()); len(got) != test.want {
			t.Fatalf("%v: got %v, want %d of them", name, got, test.want)
		}
	}
}

// An address that resolves to several machines does not count as this orderer's.
func TestOwnAddressIsOneMachine(t *testing.T) {
	s := ownAddress{port: 7050}
	for endpoint, want := range map[string]bool{
		"127.0.0.1:7050": true, "[::1]:7050": true, "127.0.0.1:7051": false, "192.0.2.1:7050": false, "no.such.name.invalid:7050": false, "odd": false,
	} {
		if got, want := s.is(t.Context(), endpoint), want; !reflect.DeepEqual(got, want) {
			t.Fatalf("%v: got %v, want %v", endpoint, got, want)
		}
	}
}

// If the config names no orderers, no connection is needed. If it names some that cannot be reached, the channel does
// not start.
func TestOthersThatCannotBeReached(t *testing.T) {
	ours := newAuthority(t)
	f := NewFactory(Cluster{}, crypto(t))
	nobody := ours.stale(ours.genesis("127.0.0.1:1"))
	delete(nobody.config.ChannelGroup.Groups[channelconfig.OrdererGroupKey].Groups["Orderer"].Values, channelconfig.EndpointsKey)
	p, err := f.New(nobody)
	checktest.Must(t, err)
	if got := p.Others(t.Context()); len(got) > 0 {
		t.Fatalf("got %v, want none", got)
	}
	_, err = p.Block(t.Context(), 1)
	if got, want := err, session.ErrNoBlock; !errors.Is(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}

	_, err = f.New(ours.stale(ours.genesis("127.0.0.1:1")))
	if got, want := err, session.ErrCannotAsk; !errors.Is(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// Orderers may be connected without TLS.
func TestOthersWithoutTLS(t *testing.T) {
	ours := newAuthority(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	checktest.Must(t, err)
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
	p, err := NewFactory(Cluster{Dialer: dialer}, crypto(t)).New(ours.stale(first))
	checktest.Must(t, err)
	defer p.Close()
	if got, want := p.Others(t.Context()), []session.Answer{{From: d.address, Height: 3}}; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	_, err = p.Block(t.Context(), 1)
	checktest.Must(t, err)
}
