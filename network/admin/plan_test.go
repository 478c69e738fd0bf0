package admin

import (
	"context"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/prune"
)

// moving is a topic that gets a record, which an orderer then publishes, while prune reads it.
type moving struct {
	log.Log
}

func (m moving) Published(ctx context.Context, prefix string) ([]log.Progress, error) {
	if err := m.Append(ctx, []byte("next")); err != nil {
		return nil, err
	}
	p := log.Progress{Member: "orderers.Org.a", Next: 21, Block: 3, At: time.Now(), Rules: "strict", ConfigSeq: 2, Config: "abc"}
	if err := m.Publish(ctx, p); err != nil {
		return nil, err
	}
	return m.Log.Published(ctx, prefix)
}

// An orderer that publishes beyond what was the end a moment ago does not read another topic.
func TestPlanWhileRecordsCome(t *testing.T) {
	broker := memlog.NewBroker()
	broker.Write("mine", make([][]byte, 20)...)
	topic := broker.Open("mine", log.Settings{})
	defer topic.Close()
	p := pruning{Options: prune.Options{Prefix: "orderers", Keep: 5, MaxAge: time.Hour, Now: time.Now(), Orderers: []prune.Orderer{{Name: "Org.a"}}}}
	channel := prune.Channel{Name: "mine", ConfigSeq: 2, Config: "abc", Orgs: []prune.Org{{MSPID: "Org", Addresses: []string{"a:7050"}}}}
	if _, plan, err := p.plan(t.Context(), &command.Target{}, moving{topic}, channel); err != nil || plan.Below != 16 {
		t.Errorf("%+v, %v", plan, err)
	}
}
