package settings

import "strings"

// replacement is what replaces a key of the in-tree consenter.
type replacement struct {
	key string // that has its meaning; empty: none has
	to  string // what to set it to; empty: the old value
	why string // why no key has its meaning

	fabrics string // its value in Fabric's own orderer.yaml, which no operator chose; empty: none
}

// inTreeKeys holds the keys of the section Kafka of Fabric 1.4 to 2.5. Operators find them in
// the table of chain/COMPATIBLE.md.
var inTreeKeys = map[string]replacement{
	"Retry.ShortInterval":                {key: "Retry.Min", fabrics: "5s"},
	"Retry.ShortTotal":                   {why: "retries never end", fabrics: "10m"},
	"Retry.LongInterval":                 {key: "Retry.Max", fabrics: "5m"},
	"Retry.LongTotal":                    {why: "retries never end", fabrics: "12h"},
	"Retry.NetworkTimeouts.DialTimeout":  {key: "Timeouts.Dial", fabrics: "10s"},
	"Retry.NetworkTimeouts.ReadTimeout":  {key: "Timeouts.Read", fabrics: "10s"},
	"Retry.NetworkTimeouts.WriteTimeout": {key: "Timeouts.Write", fabrics: "10s"},
	"Retry.Metadata.RetryBackoff":        {why: "every retry waits as Retry.Min and Retry.Max say", fabrics: "250ms"},
	"Retry.Metadata.RetryMax":            {why: "retries never end", fabrics: "3"},
	"Retry.Producer.RetryBackoff":        {why: "every retry waits as Retry.Min and Retry.Max say", fabrics: "100ms"},
	"Retry.Producer.RetryMax":            {why: "an append is retried until Timeouts.Append", fabrics: "3"},
	"Retry.Consumer.RetryBackoff":        {why: "every retry waits as Retry.Min and Retry.Max say", fabrics: "2s"},
	"Topic.ReplicationFactor":            {key: "Topic.ReplicationFactor", fabrics: "3"},
	"Verbose":                            {why: "set the logger orderer.consensus.kafka.sarama to debug for the client's log", fabrics: "false"},
	"Version":                            {why: "it is negotiated with the brokers"},
	"TLS.Enabled":                        {key: "TLS.Enabled", fabrics: "false"},
	"TLS.PrivateKey":                     {key: "TLS.PrivateKey"},
	"TLS.Certificate":                    {key: "TLS.Certificate"},
	"TLS.RootCAs":                        {key: "TLS.RootCAs"},
	"TLS.ClientAuthRequired":             {why: "it is for servers", fabrics: "false"},
	"TLS.ClientRootCAs":                  {why: "it is for servers"},
	"SASLPlain.Enabled":                  {key: "SASL.Mechanism", to: "PLAIN", fabrics: "false"},
	"SASLPlain.User":                     {key: "SASL.User"},
	"SASLPlain.Password":                 {key: "SASL.PasswordFile", to: "the name of a file that holds it"},
}

// inTree holds the variables of these keys, without their prefix.
var inTree = byVariable(inTreeKeys)

func byVariable(keys map[string]replacement) map[string]replacement {
	all := map[string]replacement{}
	for name, r := range keys {
		all[strings.TrimPrefix(variableOf(name), variablePrefix)] = r
	}
	return all
}

// remedy returns what to do about a variable, which is given without its prefix.
func (r replacement) remedy(rest string) string {
	to := r.to
	if to == "" && strings.HasSuffix(rest, "_FILE") {
		to = "the name of the file"
	}
	switch {
	case r.key == "":
		return "unset it; nothing replaces it"
	case to == "":
		return "set " + variableOf(r.key) + " instead"
	}
	return "set " + variableOf(r.key) + " to " + to + " instead"
}
