package brokers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// What a list that is new in a channel config may contain, and what an orderer's own list may.
func TestBrokerAddresses(t *testing.T) {
	for address, want := range map[string]struct{ config, own string }{
		"kafka:9092":                           {},
		"KAFKA-1.example.com:65535":            {},
		"10.0.0.1:1":                           {},
		"1:9092":                               {},
		"kafka_1:9092":                         {"letters, digits, dots and hyphens", ""},
		"_kafka:9092":                          {"letters, digits, dots and hyphens", ""},
		"kafka.:9092":                          {"letter or digit at both ends", ""},
		"-kafka:9092":                          {"letter or digit at both ends", ""},
		"[::1]:9092":                           {"Consensus.Kafka.Brokers of each orderer", ""},
		"[fe80::1%eth0]:9092":                  {"Consensus.Kafka.Brokers of each orderer", ""},
		"[kafka]:9092":                         {"letters, digits, dots and hyphens", ""},
		" kafka:9092":                          {"letters, digits, dots and hyphens", `the host has " " in it`},
		"kafka 1:9092":                         {"letters, digits, dots and hyphens", `the host has " " in it`},
		"kafka\t:9092":                         {"letters, digits, dots and hyphens", `the host has "\t" in it`},
		"kafka\u00a0:9092":                     {"letters, digits, dots and hyphens", "the host has"},
		"kafka\u200b:9092":                     {"letters, digits, dots and hyphens", "the host has"},
		"kafka\x00:9092":                       {"letters, digits, dots and hyphens", "the host has"},
		"caf\u00e9:9092":                       {"letters, digits, dots and hyphens", ""},
		"kafka,kafka2:9092":                    {"letters, digits, dots and hyphens", `the host has "," in it`},
		"user@kafka:9092":                      {"letters, digits, dots and hyphens", `the host has "@" in it`},
		"kafka:9092 ":                          {`port "9092 " is not between 1 and 65535`, `port "9092 "`},
		"kafka: 9092":                          {`port " 9092" is not between`, `port " 9092"`},
		"kafka:0":                              {`port "0" is not between`, `port "0"`},
		"kafka:00":                             {`port "00" is not between`, `port "00"`},
		"kafka:09092":                          {`port "09092" is not between`, `port "09092"`},
		"kafka:+9092":                          {`port "+9092" is not between`, `port "+9092"`},
		"kafka:65536":                          {`port "65536" is not between`, `port "65536"`},
		"kafka:":                               {`port "" is not between`, `port ""`},
		"kafka:\u0669":                         {`port "`, `port "`},
		":9092":                                {"the host is missing", "the host is missing"},
		"kafka":                                {"want host:port", "want host:port"},
		"":                                     {"want host:port", "want host:port"},
		"::1:9092":                             {"want host:port", "want host:port"},
		"http://kafka:9092":                    {"want host:port", "want host:port"},
		"kafka:9092/":                          {`port "9092/" is not between`, `port "9092/"`},
		strings.Repeat("k", 253) + ":9092":     {},
		strings.Repeat("k", 254) + ":9092":     {"the host has 254 characters", ""},
		"kafka:9092,":                          {`port "9092," is not between`, `port "9092,"`},
		strings.Repeat("k.", 40) + "com:29092": {},
	} {
		for what, got := range map[string]struct {
			err  error
			want string
		}{"config": {CheckNew([]string{"first:9092", address}), want.config}, "own": {Check(address), want.own}} {
			if (got.err == nil) != (got.want == "") || got.err != nil && !strings.Contains(got.err.Error(), got.want) {
				t.Errorf("%s: %q: %v, want %q", what, address, got.err, got.want)
			}
		}
		if err := CheckNew([]string{address}); err == nil && !acceptedBy25(address) {
			t.Errorf("orderers and peers of 2.5 crash on %q", address)
		}
	}
}

// The whole list: every entry at fault is named, none may occur twice, and its length is limited.
func TestBrokerLists(t *testing.T) {
	long := make([]string, maxBrokers+1)
	for i := range long {
		long[i] = fmt.Sprintf("kafka%d:9092", i)
	}
	for _, test := range []struct {
		list []string
		says []string
	}{
		{nil, []string{"no broker is named"}},
		{[]string{"a:1", "b_:2", "c:3", " d:4"}, []string{`broker "b_:2"`, `broker " d:4"`}},
		{[]string{"a:1", "b:1", "A:1"}, []string{`broker "A:1" of the channel config: it is named twice`}},
		{long, []string{"129 brokers are named, and at most 128 are allowed"}},
		{long[1:], nil},
	} {
		err := CheckNew(test.list)
		if (err == nil) != (test.says == nil) {
			t.Errorf("%q: %v", test.list, err)
		}
		for _, says := range test.says {
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%q: %v, want it to say %q", test.list, err, says)
			}
		}
		if err != nil && strings.Contains(err.Error(), `"a:1"`) {
			t.Errorf("%q: %v names what is right", test.list, err)
		}
	}
}

// The error that a client gets for a hostile list is bounded.
func TestFaultsOfBrokersAreBounded(t *testing.T) {
	long := make([]string, maxBrokers)
	for i := range long {
		long[i] = fmt.Sprintf("%d_", i) + strings.Repeat("x", 1<<16)
	}
	many := make([]string, 1<<16)
	group := func(list []string) *fabric.Config {
		value := protoutil.MarshalOrPanic(&fabric.KafkaBrokers{Brokers: list})
		return &fabric.Config{ChannelGroup: &fabric.ConfigGroup{Groups: map[string]*fabric.ConfigGroup{
			"Orderer": {Values: map[string]*fabric.ConfigValue{Key: {Value: value}}}}}}
	}
	for what, err := range map[string]error{"long": CheckNew(long), "many": CheckNew(many),
		"names": CheckNames(&fabric.Config{}, group(many)), "long names": CheckNames(&fabric.Config{}, group(long))} {
		if err == nil || len(err.Error()) > 16<<10 {
			t.Errorf("%s: %.100v, %d bytes", what, err, len(err.Error()))
		}
	}
}
