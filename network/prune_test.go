package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/network/prune"
)

// A topic on brokers that want a password is pruned by who has it, and by nobody else.
func TestPruneAsAnOrderer(t *testing.T) {
	config, write := guarded(t, 3)
	topic, err := openAs(config, nil, "mine", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer topic.Close()
	if err := topic.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if err := topic.Append(t.Context(), fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	for member, next := range map[string]log.Offset{"orderers.Org.a": 18, "orderers.Org.b": 15} {
		if err := topic.Publish(t.Context(), log.Progress{Member: member, Next: next, Block: 3, At: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	pruned := func() error {
		p := pruning{config: config, prefix: "orderers", Options: prune.Options{Orderers: 2, Keep: 5, MaxAge: time.Hour, Now: time.Now()}}
		return p.run(t.Context(), "mine")
	}
	if err := pruned(); err != nil {
		t.Fatal(err)
	}
	if b, err := topic.Bounds(t.Context()); err != nil || b != (log.Bounds{Start: 10, End: 20}) {
		t.Errorf("the topic has %v, %v; want what b needs next, 15, and 5 below", b, err)
	}

	write("password", "another\n")
	if err := pruned(); err == nil {
		t.Error("pruned with another password")
	}
}
