package settings

import (
	"fmt"
	"regexp"
	"strings"
)

// keyPattern matches what can be the name of a key.
var keyPattern = regexp.MustCompile(`^[A-Za-z0-9_.]{1,64}$`)

// nameShown returns a name for the operator; not if it could be a secret that was pasted
// where a name belongs.
func nameShown(name string) string {
	if keyPattern.MatchString(name) {
		return name
	}
	return "..."
}

// unknown returns the fault of a name that is not a key, with the keys of the same section.
func unknown(name string, keys []key) string {
	fault := fmt.Sprintf("%s.%s is not a key; ", Key, nameShown(name))
	lower := strings.ToLower(name)
	for _, secret := range []struct{ in, file string }{{"password", "PasswordFile"}, {"secret", "PasswordFile"}, {"token", "TokenFile"}} {
		if strings.Contains(lower, secret.in) {
			return fault + "the orderer prints its configuration, so a " + secret.in + " is given as a file: " + Key + ".SASL." + secret.file
		}
	}
	section, _, dotted := strings.Cut(name, ".")
	if !dotted || len(members(section+".", keys)) == 0 {
		return fault + "want one of " + strings.Join(members("", keys), ", ")
	}
	return fault + "want one of " + strings.Join(members(section+".", keys), ", ")
}
