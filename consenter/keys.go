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

// mostTimeout is in milliseconds, and those of Kafka are of 32 bits, signed.
const mostTimeout = 24 * time.Hour

// mostDuration is a year; a few of them can be added.
const mostDuration = 365 * 24 * time.Hour

// mostInflight keeps a mistyped Inflight from reserving the machine's memory.
const mostInflight = 1 << 20

// key is one key of the section, bound to the field that it sets.
type key struct {
	name string // within the section: Timeouts.Dial
	value
	needs need // what it has no effect without; empty for none
}

// keys are all keys, bound to the fields of c. Relative files are in dir.
func (c *Config) keys(dir string) []key {
	none, encryption, password, token := need{}, c.encryption(), c.password(), c.token()
	return []key{
		{"ClientID", clientID(&c.ClientID), none},
		{"ConsumerGroup", group(&c.ConsumerGroup), none},
		{"Brokers", addressList(&c.Brokers), none},
		{"Topic.ReplicationFactor", whole(&c.Topic.ReplicationFactor, 1, math.MaxInt16), none},
		{"Topic.MinInsyncReplicas", whole(&c.Topic.MinInsyncReplicas, 0, math.MaxInt16), none},
		{"Topic.Compatible", channels(&c.Topic.Compatible), none},
		{"Topic.PassCuts", offsets(&c.Topic.PassCuts), none},
		{"Topic.Moved", topicIDs(&c.Topic.Moved), none},
		{"Topic.Begin", channels(&c.Topic.Begin), none},
		{"Timeouts.Dial", duration(&c.Timeouts.Dial, leastTimeout, mostTimeout), none},
		{"Timeouts.Read", duration(&c.Timeouts.Read, leastTimeout, mostTimeout), none},
		{"Timeouts.Write", duration(&c.Timeouts.Write, leastTimeout, mostTimeout), none},
		{"Timeouts.Append", duration(&c.Timeouts.Append, leastTimeout, mostTimeout), none},
		{"Timeouts.Ready", duration(&c.Timeouts.Ready, leastTimeout, mostTimeout), none},
		{"Retry.Min", duration(&c.Retry.Min, time.Millisecond, mostDuration), none},
		{"Retry.Max", duration(&c.Retry.Max, time.Millisecond, mostDuration), none},
		{"Producer.Linger", duration(&c.Producer.Linger, time.Microsecond, mostDuration), none},
		{"Producer.Inflight", whole(&c.Producer.Inflight, 1, mostInflight), none},
		{"Consumer.FetchBytes", size(&c.Consumer.FetchBytes, 1), none},
		{"Consumer.MaxDecompressedBytes", size(&c.Consumer.MaxDecompressedBytes, 1), none},
		{"DiskReserve", size(&c.DiskReserve, 0), none},
		{"DeliverGrace", duration(&c.DeliverGrace, time.Millisecond, mostDuration), none},
		{"CheckInterval", duration(&c.CheckInterval, time.Second, mostDuration), none},
		{"Preflight", mode(&c.Preflight, string(chain.PreflightWarn), string(chain.PreflightEnforce)), none},
		{"ForkAlarm", mode(&c.ForkAlarm, string(chain.ForkWarn), string(chain.ForkStop)), none},
		{"Health", mode(&c.Health, healthBrokers), none},
		{"CutJitter", fraction(&c.CutJitter), none},
		{"TLS.Enabled", flag(&c.TLS.Enabled), none},
		{"TLS.RootCAs", files(&c.TLS.RootCAs, dir), encryption},
		{"TLS.Certificate", file(&c.TLS.Certificate, dir), encryption},
		{"TLS.PrivateKey", file(&c.TLS.PrivateKey, dir), encryption},
		{"TLS.ServerName", serverName(&c.TLS.ServerName), encryption},
		{"SASL.Mechanism", oneOf(&c.SASL.Mechanism, "", kafka.Plain, kafka.ScramSHA256, kafka.ScramSHA512, kafka.OAuthBearer), none},
		{"SASL.User", user(&c.SASL.User), password},
		{"SASL.PasswordFile", file(&c.SASL.PasswordFile, dir), password},
		{"SASL.TokenFile", file(&c.SASL.TokenFile, dir), token},
		{"SASL.TokenCommand", command(&c.SASL.TokenCommand), token},
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
	check(c.ForkAlarm != string(chain.ForkStop) || c.ConsumerGroup != "", "ForkAlarm", "ConsumerGroup",
		"%s, but ConsumerGroup is empty, so it has no effect; want a ConsumerGroup, or ForkAlarm %s", c.ForkAlarm, chain.ForkOff)
	check(!c.TLS.Enabled || c.TLS.Certificate == "" || c.TLS.PrivateKey != "", "TLS.PrivateKey", "TLS.Certificate", "empty; want the key of TLS.Certificate")
	check(!c.TLS.Enabled || c.TLS.PrivateKey == "" || c.TLS.Certificate != "", "TLS.Certificate", "TLS.PrivateKey", "empty; want the certificate of TLS.PrivateKey")
	c.SASL.contradictions(check)
	return found
}

func (s SASL) contradictions(check func(ok bool, a, b, format string, args ...any)) {
	check(!s.byPassword() || s.User != "", "SASL.User", "SASL.Mechanism", "empty; want the user that logs in with %s", s.Mechanism)
	check(!s.byPassword() || s.PasswordFile != "", "SASL.PasswordFile", "SASL.Mechanism", "empty; want a file that holds the password of SASL.User")
	check(!s.byToken() || s.TokenFile != "" || len(s.TokenCommand) > 0, "SASL.TokenFile", "SASL.TokenCommand",
		"empty, and so is SASL.TokenCommand; want one of them, for the token of %s", s.Mechanism)
	check(!s.byToken() || s.TokenFile == "" || len(s.TokenCommand) == 0, "SASL.TokenFile", "SASL.TokenCommand",
		"given, and so is SASL.TokenCommand; want one of them")
}

// keyPattern is what a name in a configuration file looks like.
var keyPattern = regexp.MustCompile(`^[A-Za-z0-9_.]{1,64}$`)

// nameShown is a name for the operator, unless it is a secret that was pasted where
// a name belongs.
func nameShown(name string) string {
	if keyPattern.MatchString(name) {
		return name
	}
	return "..."
}

// unknown says that there is no such key, and which there are beside it.
func unknown(name string, keys []key) string {
	fault := fmt.Sprintf("%s.%s is not a key; ", Key, nameShown(name))
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
