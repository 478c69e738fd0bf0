package settings

import "strings"

// replacement is what takes the place of a variable of the in-tree consenter.
type replacement struct {
	key string // that has its meaning; empty: none has
	to  string // what to set it to; empty: the old value
}

// inTree holds the variables of the in-tree consenter, without their prefix. Operators
// find them in the table of chain/COMPATIBLE.md.
var inTree = map[string]replacement{
	"RETRY_SHORTINTERVAL":                {"Retry.Min", ""},
	"RETRY_SHORTTOTAL":                   {},
	"RETRY_LONGINTERVAL":                 {"Retry.Max", ""},
	"RETRY_LONGTOTAL":                    {},
	"RETRY_NETWORKTIMEOUTS_DIALTIMEOUT":  {"Timeouts.Dial", ""},
	"RETRY_NETWORKTIMEOUTS_READTIMEOUT":  {"Timeouts.Read", ""},
	"RETRY_NETWORKTIMEOUTS_WRITETIMEOUT": {"Timeouts.Write", ""},
	"RETRY_METADATA_RETRYBACKOFF":        {},
	"RETRY_METADATA_RETRYMAX":            {},
	"RETRY_PRODUCER_RETRYBACKOFF":        {},
	"RETRY_PRODUCER_RETRYMAX":            {},
	"RETRY_CONSUMER_RETRYBACKOFF":        {},
	"TOPIC_REPLICATIONFACTOR":            {"Topic.ReplicationFactor", ""},
	"VERBOSE":                            {},
	"VERSION":                            {},
	"TLS_ENABLED":                        {"TLS.Enabled", ""},
	"TLS_PRIVATEKEY":                     {"TLS.PrivateKey", ""},
	"TLS_CERTIFICATE":                    {"TLS.Certificate", ""},
	"TLS_ROOTCAS":                        {"TLS.RootCAs", ""},
	"TLS_CLIENTAUTHREQUIRED":             {},
	"TLS_CLIENTROOTCAS":                  {},
	"SASLPLAIN_ENABLED":                  {"SASL.Mechanism", "PLAIN"},
	"SASLPLAIN_USER":                     {"SASL.User", ""},
	"SASLPLAIN_PASSWORD":                 {"SASL.PasswordFile", "the name of a file that holds it"},
}

// remedy returns what to do about a variable, which is given without its prefix.
func (r replacement) remedy(rest string) string {
	to := r.to
	if to == "" && strings.HasSuffix(rest, "_FILE") {
		to = "the name of the file"
	}
	switch {
	case r.key == "":
		return "unset it, nothing takes its place"
	case to == "":
		return "set " + variableOf(r.key) + " instead"
	}
	return "set " + variableOf(r.key) + " to " + to + " instead"
}
