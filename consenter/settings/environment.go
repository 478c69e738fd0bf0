package settings

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// variablePrefix is the prefix of the variables of the keys. The orderer's configuration
// parser reads a variable only for a key that is in orderer.yaml.
const variablePrefix = "ORDERER_CONSENSUS_KAFKA_"

// inTreePrefix was the prefix of the in-tree consenter's variables.
const inTreePrefix = "ORDERER_KAFKA_"

// variableOf returns the name of the variable of a key.
func variableOf(key string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// Unread is an environment variable that an operator set and nobody reads. As an error
// it names the variable, the reason and the remedy, and never the value.
type Unread struct {
	Name     string
	Reason   string // why it is not read, and the remedy
	Security bool   // it was meant to secure the connections to the brokers
}

func (u Unread) Error() string { return u.Name + " has no effect: " + u.Reason }

// ours matches variables that are meant for this consenter, by their names.
var ours = regexp.MustCompile(`^ORDERER_(.*_)?KAFKA`)

// security matches those that concern TLS or SASL: without them the orderer must not
// start.
var security = regexp.MustCompile(`TLS|SSL|SASL|CERT|ROOTCA|KEY|PASSW|SECRET|TOKEN|MECHANISM|USER|AUTH|SECUR|CRED`)

// switches matches those that matter only if they enable something.
var switches = regexp.MustCompile(`(ENABLED?|REQUIRED)$`)

// secures reports whether a variable was meant to secure something.
func secures(name, value string) bool {
	name = strings.ToUpper(name)
	on, err := strconv.ParseBool(value)
	off := err == nil && !on && switches.MatchString(name)
	return security.MatchString(name) && !off
}

// linked matches the variables that a container link copies from the other container.
var linked = regexp.MustCompile(`^ORDERER_(.*_)?KAFKA(_.*)?_ENV_`)

// service matches the variables that Kubernetes makes from the names of services.
var service = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

// separators matches what operators write between the parts of a name.
var separators = regexp.MustCompile(`[^A-Z0-9]+`)

// UnreadVariables returns the variables of an environment, as [os.Environ] returns it,
// that are meant for the section and that the orderer did not read, sorted by name.
// consensus is the section Consensus as the orderer read it with that environment, and
// dir the folder of orderer.yaml, for the operator.
func UnreadVariables(environment []string, consensus any, dir string) []Unread {
	var c Config
	v := variables{keys: keysOf(&c, ""), file: "orderer.yaml", read: map[string]bool{}}
	if dir != "" {
		v.file += " in " + dir
	}
	v.walk("ORDERER_CONSENSUS", consensus)
	var found []Unread
	for _, variable := range environment {
		name, value, _ := strings.Cut(variable, "=")
		if value == "" || v.read[name] {
			continue // the parser considers an empty one unset
		}
		if fault := v.fault(name); fault != "" {
			found = append(found, Unread{name, fault, secures(name, value)})
		}
	}
	slices.SortFunc(found, func(a, b Unread) int { return strings.Compare(a.Name, b.Name) })
	return found
}

// variables knows which variables were read for one orderer.yaml.
type variables struct {
	keys []key
	file string
	read map[string]bool // names that the parser looked up
}

// walk records the variables of a section and of everything in it.
func (v variables) walk(name string, raw any) {
	v.read[name] = true
	all, _ := sectionOf(raw)
	for member, value := range all {
		v.walk(name+"_"+strings.ToUpper(strings.ReplaceAll(member, ".", "_")), value)
	}
}

// fault returns why a variable is not read, and the remedy; empty if it is not meant for
// this consenter.
func (v variables) fault(name string) string {
	spelled := separators.ReplaceAllString(strings.ToUpper(name), "_")
	if rest, ok := strings.CutPrefix(spelled, "ORDERER_CONSENSUS_"); ok && v.key(rest) != "" {
		spelled = variablePrefix + rest // the section is missing in the name
	}
	if !ours.MatchString(spelled) {
		return ""
	}
	rest, now := strings.CutPrefix(spelled, variablePrefix)
	if now && v.key(rest) != "" {
		return v.faultOfKey(name, rest)
	}
	stem := strings.TrimPrefix(strings.TrimSuffix(rest, "_FILE"), inTreePrefix)
	if r, old := inTree[stem]; old && !(now && v.key(stem) != "") {
		return "it was read by the in-tree consenter of Fabric 1.4 to 2.5; " + r.remedy(rest)
	}
	if key := v.key(stem); key != "" {
		return "there is no key of that name; " + replacement{key: key}.remedy(rest)
	}
	if service.MatchString(spelled) || !now && linked.MatchString(spelled) {
		return ""
	}
	return "there is no key of that name; " + v.near(rest)
}

// faultOfKey returns the fault of a variable that names a key, perhaps in another
// spelling.
func (v variables) faultOfKey(name, rest string) string {
	if right := variablePrefix + rest; right != name {
		return fmt.Sprintf("only another spelling of it is read; set %s instead", right)
	}
	return fmt.Sprintf("%s has no key %s.%s; copy all of consenter/settings/kafka.yaml into its section Consensus, or unset the variable", v.file, Key, v.key(rest))
}

// key returns the name of the key that has this variable, which is given without its
// prefix; empty if none has.
func (v variables) key(rest string) string {
	for _, k := range v.keys {
		if variableOf(k.name) == variablePrefix+rest {
			return k.name
		}
	}
	return ""
}

// near returns the remedy for a variable that names no key: the variables of its section
// if it names one.
func (v variables) near(rest string) string {
	for _, m := range members("", v.keys) {
		upper := strings.ToUpper(m)
		inside := members(m+".", v.keys)
		if len(inside) == 0 || rest != upper && !strings.HasPrefix(rest, upper+"_") {
			continue
		}
		for i, name := range inside {
			inside[i] = variableOf(m + "." + name)
		}
		return "unset it, or set one of " + strings.Join(inside, ", ")
	}
	return "unset it, or set the variable of a key in consenter/settings/kafka.yaml: " + variablePrefix + " and its name in upper case"
}
