package form_test

import (
	"encoding/pem"
	"strings"
	"testing"

	"github.com/hyperledger/fabric-protos-go/orderer/etcdraft"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/form"
)

func certificate(text string) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte(text)})
}

func consenter(port uint32, name string) *etcdraft.Consenter {
	return &etcdraft.Consenter{Host: "orderer", Port: port, ServerTlsCert: certificate(name), ClientTlsCert: certificate(name)}
}

func raft(change func(*etcdraft.ConfigMetadata)) []byte {
	m := &etcdraft.ConfigMetadata{
		Options:    &etcdraft.Options{TickInterval: "500ms", ElectionTick: 10, HeartbeatTick: 1, MaxInflightBlocks: 5},
		Consenters: []*etcdraft.Consenter{consenter(1, "one"), consenter(2, "two")},
	}
	if change != nil {
		change(m)
	}
	return protoutil.MarshalOrPanic(m)
}

func TestMoves(t *testing.T) {
	some := []string{"kafka:9092"}
	withoutConsenters := raft(func(m *etcdraft.ConfigMetadata) { m.Consenters = nil })
	all := map[string]form.Consensus{
		"kafka":                     {Type: "kafka", Brokers: some},
		"kafka without brokers":     {Type: "kafka"},
		"shared":                    {Type: "etcdraft", Brokers: some, Metadata: withoutConsenters},
		"shared by another list":    {Type: "etcdraft", Brokers: []string{"other:9092"}, Metadata: withoutConsenters},
		"raft":                      {Type: "etcdraft", Metadata: raft(nil)},
		"raft with brokers":         {Type: "etcdraft", Brokers: some, Metadata: raft(nil)},
		"options alone":             {Type: "etcdraft", Metadata: withoutConsenters},
		"etcdraft without metadata": {Type: "etcdraft"},
		"BFT":                       {Type: "BFT"},
	}
	moves := map[string]form.Move{
		"kafka to shared": form.Enters, "kafka to shared by another list": form.Enters,
		"kafka without brokers to shared": form.Enters, "kafka without brokers to shared by another list": form.Enters,
		"shared to raft": form.Leaves, "shared by another list to raft": form.Leaves,
		"shared to etcdraft without metadata": form.Leaves, "shared by another list to etcdraft without metadata": form.Leaves, // refused by CheckRaft
	}
	for from, was := range all {
		for to, is := range all {
			want, ok := moves[from+" to "+to]
			if !ok {
				want = form.Stays
			}
			if got := form.MoveOf(was, is); got != want {
				t.Errorf("%s to %s: %s, want %s", from, to, got, want)
			}
		}
	}
}

// What Raft would not start with.
func TestCheckRaft(t *testing.T) {
	for name, c := range map[string]struct {
		metadata []byte
		want     string
	}{
		"right":                 {raft(nil), ""},
		"none":                  {nil, "tick_interval"},
		"garbage":               {[]byte{0xff}, "decode"},
		"no options":            {raft(func(m *etcdraft.ConfigMetadata) { m.Options = nil }), "tick_interval"},
		"no tick":               {raft(func(m *etcdraft.ConfigMetadata) { m.Options.TickInterval = "0s" }), "not positive"},
		"a negative tick":       {raft(func(m *etcdraft.ConfigMetadata) { m.Options.TickInterval = "-1s" }), "not positive"},
		"no heartbeat":          {raft(func(m *etcdraft.ConfigMetadata) { m.Options.HeartbeatTick = 0 }), "heartbeat_tick"},
		"an election too early": {raft(func(m *etcdraft.ConfigMetadata) { m.Options.ElectionTick = 1 }), "election_tick 1"},
		"no blocks in flight":   {raft(func(m *etcdraft.ConfigMetadata) { m.Options.MaxInflightBlocks = 0 }), "max_inflight_blocks"},
		"no consenters":         {raft(func(m *etcdraft.ConfigMetadata) { m.Consenters = nil }), "no consenter"},
		"no host":               {raft(func(m *etcdraft.ConfigMetadata) { m.Consenters[1].Host = "" }), "consenter 2"},
		"no port":               {raft(func(m *etcdraft.ConfigMetadata) { m.Consenters[0].Port = 0 }), "not an address"},
		"a port over 65535":     {raft(func(m *etcdraft.ConfigMetadata) { m.Consenters[0].Port = 1 << 16 }), "not an address"},
		"no certificate":        {raft(func(m *etcdraft.ConfigMetadata) { m.Consenters[0].ClientTlsCert = nil }), "PEM"},
		"a key": {raft(func(m *etcdraft.ConfigMetadata) {
			m.Consenters[0].ServerTlsCert = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY"})
		}), "PEM"},
		"a certificate of two":   {raft(func(m *etcdraft.ConfigMetadata) { m.Consenters[1].ClientTlsCert = certificate("one") }), "another consenter"},
		"the same, with a space": {raft(func(m *etcdraft.ConfigMetadata) { m.Consenters[1].ClientTlsCert = append(certificate("one"), ' ') }), "another consenter"},
	} {
		if err := form.CheckRaft(c.metadata); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
