package settings

import (
	"fmt"

	"github.com/fabric-kafka/orderer/chain"
)

// contradiction is two values that do not go together.
type contradiction struct {
	between [2]string // names of keys
	fault   string
}

// contradictions collects those of one config.
type contradictions []contradiction

// check adds a contradiction between two keys unless ok. The text continues "a is".
func (l *contradictions) check(ok bool, a, b, format string, args ...any) {
	if !ok {
		*l = append(*l, contradiction{[2]string{a, b}, fmt.Sprintf("%s.%s is ", Key, a) + fmt.Sprintf(format, args...)})
	}
}

// contradictions returns what is wrong with a config whose values are allowed one by one.
func (c *Config) contradictions() contradictions {
	var l contradictions
	l.check(c.Topic.MinInsyncReplicas <= int(c.Topic.ReplicationFactor), "Topic.MinInsyncReplicas", "Topic.ReplicationFactor",
		"%d; want at most Topic.ReplicationFactor, which is %d", c.Topic.MinInsyncReplicas, c.Topic.ReplicationFactor)
	l.check(c.Retry.Max >= c.Retry.Min, "Retry.Max", "Retry.Min",
		"%s; want at least Retry.Min, which is %s", c.Retry.Max, c.Retry.Min)
	l.check(c.ForkAlarm != string(chain.ForkStop) || c.ConsumerGroup != "", "ForkAlarm", "ConsumerGroup",
		"%s, but ConsumerGroup is empty, so it has no effect; want a ConsumerGroup, or ForkAlarm %s", c.ForkAlarm, chain.ForkOff)
	l.check(!c.TLS.Enabled || c.TLS.Certificate == "" || c.TLS.PrivateKey != "", "TLS.PrivateKey", "TLS.Certificate",
		"empty; want the key of TLS.Certificate")
	l.check(!c.TLS.Enabled || c.TLS.PrivateKey == "" || c.TLS.Certificate != "", "TLS.Certificate", "TLS.PrivateKey",
		"empty; want the certificate of TLS.PrivateKey")
	c.SASL.contradictions(&l)
	return l
}

func (s SASL) contradictions(l *contradictions) {
	l.check(!s.byPassword() || s.User != "", "SASL.User", "SASL.Mechanism",
		"empty; want the user that logs in with %s", s.Mechanism)
	l.check(!s.byPassword() || s.PasswordFile != "", "SASL.PasswordFile", "SASL.Mechanism",
		"empty; want a file that holds the password of SASL.User")
	l.check(!s.byToken() || s.TokenFile != "" || len(s.TokenCommand) > 0, "SASL.TokenFile", "SASL.TokenCommand",
		"empty, and so is SASL.TokenCommand; want one of them, for the token of %s", s.Mechanism)
	l.check(!s.byToken() || s.TokenFile == "" || len(s.TokenCommand) == 0, "SASL.TokenFile", "SASL.TokenCommand",
		"given, and so is SASL.TokenCommand; want one of them")
}
