package consenter

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
)

// Key is the full name of the section.
const Key = "Consensus.Kafka"

// leastTimeout is what a response can take on a good day; the broker is given
// half of it, in whole milliseconds.
const leastTimeout = 10 * time.Millisecond

// mostInflight keeps a mistyped Inflight from reserving the machine's memory.
const mostInflight = 1 << 20

// key is one key of the section, bound to the field that it sets.
type key struct {
	name string // within the section: Timeouts.Dial
	value
}

// keys are all keys, bound to the fields of c. Relative files are in dir.
func (c *Config) keys(dir string) []key {
	return []key{
		{"ClientID", clientID(&c.ClientID)},
		{"ConsumerGroup", group(&c.ConsumerGroup)},
		{"Brokers", brokers(&c.Brokers)},
		{"Topic.ReplicationFactor", whole(&c.Topic.ReplicationFactor, 1, math.MaxInt16)},
		{"Topic.MinInsyncReplicas", whole(&c.Topic.MinInsyncReplicas, 0, math.MaxInt16)},
		{"Topic.Compatible", channels(&c.Topic.Compatible)},
		{"Topic.PassCuts", offsets(&c.Topic.PassCuts)},
		{"Topic.Moved", topicIDs(&c.Topic.Moved)},
		{"Topic.Begin", channels(&c.Topic.Begin)},
		{"Timeouts.Dial", duration(&c.Timeouts.Dial, leastTimeout)},
		{"Timeouts.Read", duration(&c.Timeouts.Read, leastTimeout)},
		{"Timeouts.Write", duration(&c.Timeouts.Write, leastTimeout)},
		{"Timeouts.Append", duration(&c.Timeouts.Append, leastTimeout)},
		{"Timeouts.Ready", duration(&c.Timeouts.Ready, leastTimeout)},
		{"Retry.Min", duration(&c.Retry.Min, time.Millisecond)},
		{"Retry.Max", duration(&c.Retry.Max, time.Millisecond)},
		{"Producer.Linger", duration(&c.Producer.Linger, time.Microsecond)},
		{"Producer.Inflight", whole(&c.Producer.Inflight, 1, mostInflight)},
		{"Consumer.FetchBytes", size(&c.Consumer.FetchBytes, 1)},
		{"Consumer.MaxDecompressedBytes", size(&c.Consumer.MaxDecompressedBytes, 1)},
		{"DiskReserve", size(&c.DiskReserve, 0)},
		{"DeliverGrace", duration(&c.DeliverGrace, time.Millisecond)},
		{"CheckInterval", duration(&c.CheckInterval, time.Second)},
		{"Preflight", mode(&c.Preflight, string(chain.PreflightWarn), string(chain.PreflightEnforce))},
		{"Health", mode(&c.Health, healthBrokers)},
		{"CutJitter", fraction(&c.CutJitter)},
		{"TLS.Enabled", flag(&c.TLS.Enabled)},
		{"TLS.RootCAs", files(&c.TLS.RootCAs, dir)},
		{"TLS.Certificate", file(&c.TLS.Certificate, dir)},
		{"TLS.PrivateKey", file(&c.TLS.PrivateKey, dir)},
		{"TLS.ServerName", text(&c.TLS.ServerName)},
		{"SASL.Mechanism", oneOf(&c.SASL.Mechanism, "", kafka.Plain, kafka.ScramSHA256, kafka.ScramSHA512, kafka.OAuthBearer)},
		{"SASL.User", text(&c.SASL.User)},
		{"SASL.PasswordFile", file(&c.SASL.PasswordFile, dir)},
		{"SASL.TokenFile", file(&c.SASL.TokenFile, dir)},
		{"SASL.TokenCommand", command(&c.SASL.TokenCommand)},
	}
}

// contradiction is two values that do not go together.
type contradiction struct {
	between [2]string // names of keys
	fault   string
}

func (c *Config) contradictions() []contradiction {
	var found []contradiction
	check := func(ok bool, a, b, format string, args ...any) {
		if !ok {
			fault := fmt.Sprintf("%s.%s is ", Key, a) + fmt.Sprintf(format, args...)
			found = append(found, contradiction{[2]string{a, b}, fault})
		}
	}
	check(c.Topic.MinInsyncReplicas <= int(c.Topic.ReplicationFactor), "Topic.MinInsyncReplicas", "Topic.ReplicationFactor",
		"%d; want at most Topic.ReplicationFactor, which is %d", c.Topic.MinInsyncReplicas, c.Topic.ReplicationFactor)
	check(c.Retry.Max >= c.Retry.Min, "Retry.Max", "Retry.Min",
		"%s; want at least Retry.Min, which is %s", c.Retry.Max, c.Retry.Min)
	check(c.TLS.Certificate == "" || c.TLS.PrivateKey != "", "TLS.PrivateKey", "TLS.Certificate", "empty; want the key of TLS.Certificate")
	check(c.TLS.PrivateKey == "" || c.TLS.Certificate != "", "TLS.Certificate", "TLS.PrivateKey", "empty; want the certificate of TLS.PrivateKey")
	c.SASL.contradictions(check)
	return found
}

func (s SASL) contradictions(check func(ok bool, a, b, format string, args ...any)) {
	token := s.Mechanism == kafka.OAuthBearer
	password := s.Mechanism != "" && !token
	check(!password || s.User != "", "SASL.User", "SASL.Mechanism", "empty; want the user that logs in with %s", s.Mechanism)
	check(!password || s.PasswordFile != "", "SASL.PasswordFile", "SASL.Mechanism", "empty; want a file that holds the password of SASL.User")
	check(!password || s.TokenFile == "", "SASL.TokenFile", "SASL.Mechanism", "given; want it empty, %s takes no token", s.Mechanism)
	check(!password || len(s.TokenCommand) == 0, "SASL.TokenCommand", "SASL.Mechanism", "given; want it empty, %s takes no token", s.Mechanism)
	check(!token || s.User == "", "SASL.User", "SASL.Mechanism", "given; want it empty, the token of %s tells the user", s.Mechanism)
	check(!token || s.PasswordFile == "", "SASL.PasswordFile", "SASL.Mechanism", "given; want it empty, %s takes no password", s.Mechanism)
	check(!token || s.TokenFile != "" || len(s.TokenCommand) > 0, "SASL.TokenFile", "SASL.TokenCommand",
		"empty, and so is SASL.TokenCommand; want one of them, for the token of %s", s.Mechanism)
	check(!token || s.TokenFile == "" || len(s.TokenCommand) == 0, "SASL.TokenFile", "SASL.TokenCommand",
		"given, and so is SASL.TokenCommand; want one of them")
}

// keyPattern is what a name in a configuration file looks like.
var keyPattern = regexp.MustCompile(`^[A-Za-z0-9_.]{1,64}$`)

// unknown says that there is no such key, and which there are beside it.
func unknown(name string, keys []key) string {
	shown := name
	if !keyPattern.MatchString(name) { // a key that was pasted where a name belongs
		shown = "..."
	}
	fault := fmt.Sprintf("%s.%s is not a key; ", Key, shown)
	lower := strings.ToLower(name)
	for _, secret := range []struct{ in, file string }{{"password", "PasswordFile"}, {"secret", "PasswordFile"}, {"token", "TokenFile"}} {
		if strings.Contains(lower, secret.in) {
			return fault + "the orderer prints its configuration, so a " + secret.in + " is given as a file: " + Key + ".SASL." + secret.file
		}
	}
	section := ""
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		section = name[:dot+1]
	}
	return fault + "want one of " + strings.Join(members(section, keys), ", ")
}

// members are the names of the keys and sections directly in a section, whose
// name ends in a dot, or is empty for the whole.
func members(section string, keys []key) []string {
	var names []string
	for _, k := range keys {
		if len(k.name) < len(section) || !strings.EqualFold(k.name[:len(section)], section) {
			continue
		}
		name, _, _ := strings.Cut(k.name[len(section):], ".")
		if len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
	}
	return names
}
