package chaos

import (
	"context"
	"errors"
	"time"

	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/links"
)

// Faults of the links from an orderer to the brokers, which need a proxy.

func needsProxy(o fabricnet.Options) error {
	if !o.Proxied {
		return errors.New("it needs a proxy between orderers and brokers: start the network with --brokers apache --proxied")
	}
	return nil
}

func cut(ctx context.Context, r *run) error {
	orderer := r.orderer()
	r.note("cut %s off from the brokers", orderer)
	return r.disturb(ctx, orderer, 5*time.Second, 15*time.Second, links.Proxy.Cut)
}

// halfOpen lasts longer than the timeout of a request.
func halfOpen(ctx context.Context, r *run) error {
	orderer, lost := r.orderer(), []links.Direction{links.Answers, links.Requests}[r.rng.IntN(2)]
	r.note("%s: %s are lost", orderer, map[links.Direction]string{links.Answers: "answers", links.Requests: "requests"}[lost])
	return r.disturb(ctx, orderer, 10*time.Second, 20*time.Second, func(p links.Proxy, ctx context.Context, link string) error {
		return p.Swallow(ctx, link, lost)
	})
}

func slow(ctx context.Context, r *run) error {
	orderer := r.orderer()
	r.note("slow links of %s", orderer)
	const latency, jitter, rate = 300, 100, 256
	return r.disturb(ctx, orderer, 5*time.Second, 15*time.Second, func(p links.Proxy, ctx context.Context, link string) error {
		return p.Slow(ctx, link, latency, jitter, rate)
	})
}

// disturb applies a disturbance to all links of an orderer, and removes it after a while.
func (r *run) disturb(ctx context.Context, orderer string, least, most time.Duration, do func(links.Proxy, context.Context, string) error) error {
	proxy := links.Proxy(r.Network.Descriptor().Proxy)
	names, err := proxy.Links(ctx, orderer)
	for _, link := range names {
		err = errors.Join(err, do(proxy, ctx, link))
	}
	if err == nil {
		err = r.pause(ctx, least, most)
	}
	return errors.Join(err, proxy.Repair(context.WithoutCancel(ctx)))
}
