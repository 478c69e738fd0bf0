package survey

import (
	"crypto/tls"
	"errors"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// supporting returns a broker that supports versions up to these of Produce, Fetch and Metadata.
func supporting(least, produce, fetch, metadata int16) apiVersions {
	return apiVersions{keyProduce: {least, produce}, keyFetch: {0, fetch}, keyMetadata: {0, metadata}}
}

// The versions are from the message definitions of Apache Kafka.
func TestReleases(t *testing.T) {
	for _, test := range []struct {
		brokers map[int32]apiVersions
		value   string
		missing string // empty: none
	}{
		{map[int32]apiVersions{1: supporting(3, 13, 18, 13)}, "Kafka 4.1 or newer", ""},
		{map[int32]apiVersions{1: supporting(0, 11, 17, 12), 2: supporting(0, 10, 16, 12)}, "Kafka 3.7 or 3.8, 3.9 or 4.0", ""},
		{map[int32]apiVersions{1: supporting(0, 9, 12, 11)}, "Kafka 2.8 or 3.0", ""},
		{map[int32]apiVersions{1: supporting(0, 9, 12, 9)}, "Kafka older than 2.8", "Metadata 10"},
		{map[int32]apiVersions{1: supporting(0, 9, 12, 11), 2: supporting(0, 8, 11, 9)}, "Kafka 2.8 or 3.0, older than 2.8", "Fetch 12, Metadata 10, Produce 9"},
		{map[int32]apiVersions{1: supporting(10, 20, 30, 20)}, "Kafka 4.1 or newer", "Produce 9"}, // a release without the old versions
	} {
		s := &surveyor{}
		s.releases(test.brokers, nil)
		f := s.found[0]
		if f.Value != test.value || (f.Result == log.Fit) != (test.missing == "") || !strings.Contains(f.Risk, test.missing) {
			t.Errorf("%v: %v %s, want %s without %q", test.brokers, f.Result, f, test.value, test.missing)
		}
	}
}

// A managed service may hide some settings, the rights, or a broker's answer.
func TestWhatIsHiddenIsUnknown(t *testing.T) {
	s := &surveyor{config: client.Config{Config: conn.Config{Brokers: []string{"kafka:9092"}}}, topic: "t"}
	s.settings(map[string]string{"cleanup.policy": "delete"}, "")
	s.rights(-1 << 31)
	s.releases(nil, []string{"broker 3: timed out"})
	if fit := log.Of(log.Fit, s.found); len(fit) != 1 || fit[0].Setting != "cleanup.policy" {
		t.Errorf("fit: %v", fit)
	}
	if unknown := log.Of(log.Unknown, s.found); len(unknown) != 7 || len(log.Of(log.Flawed, s.found)) > 0 {
		t.Errorf("unknown: %v", unknown)
	}
}

// A secured listener lets in none of Kafka's tools without its own settings.
func TestCommandsForSecuredBrokers(t *testing.T) {
	for name, test := range map[string]struct {
		config  conn.Config
		secured bool
	}{
		"plain": {conn.Config{}, false},
		"TLS":   {conn.Config{TLS: func() (*tls.Config, error) { return nil, nil }}, true},
		"SASL":  {conn.Config{SASL: &conn.SASL{}}, true},
	} {
		test.config.Brokers = []string{"kafka:9092"}
		s := &surveyor{config: client.Config{Config: test.config}, topic: "t"}
		for _, command := range []string{s.alter("retention.ms", "-1"), s.grant("Read"), s.reassign([]int32{1}, []int32{1, 2, 3})} {
			if strings.Contains(command, " --bootstrap-server kafka:9092 --command-config admin.properties ") != test.secured {
				t.Errorf("%s: %s", name, command)
			}
		}
	}
}

// A broker that refuses the question has not reported what it supports.
func TestRefusedVersionsAreUnknown(t *testing.T) {
	if _, err := apiVersionsIn(&sarama.ApiVersionsResponse{ErrorCode: int16(sarama.ErrUnsupportedVersion)}); !errors.Is(err, sarama.ErrUnsupportedVersion) {
		t.Errorf("got %v", err)
	}
}
