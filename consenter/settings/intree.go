package settings

import "strings"

// replacement is what a variable of the in-tree consenter is now.
type replacement struct {
	key string // that has its meaning; empty: nothing has
	to  string // what it is to be set to, if that is not the old value
}

// inTree are the variables of the in-tree consenter, without their prefix. See the
// table in chain/COMPATIBLE.md.
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

// remedy says what to do about a variable, given without its prefix.
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
