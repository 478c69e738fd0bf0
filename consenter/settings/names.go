package settings

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Values of keys that chain has no names for.
const (
	Off           = "off"     // yaml reads it as false unless it is in quotes
	HealthBrokers = "brokers" // an outage of the brokers fails the orderer's health check
)

// namePattern matches the client ids that every Kafka release accepts.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

func name() rule {
	return typed("a name of letters, digits, dots, underscores and hyphens", func(raw any) (string, bool) {
		s, ok := raw.(string)
		return s, ok && namePattern.MatchString(s)
	})
}

func optionalName() rule {
	return typed("a name of letters, digits, dots, underscores and hyphens, or empty", func(raw any) (string, bool) {
		s, ok := raw.(string)
		return s, ok && (s == "" || namePattern.MatchString(s))
	})
}

// user returns the rule of a name without the NUL that separates it from the password in what PLAIN sends.
func user() rule {
	return typed("a name, in quotes if it looks like a number, without space around it", func(raw any) (string, bool) {
		s, ok := raw.(string)
		return s, ok && s == strings.TrimSpace(s) && !strings.ContainsFunc(s, unicode.IsControl)
	})
}

// serverNamePattern matches what can be compared with the names in a certificate.
var serverNamePattern = regexp.MustCompile(`^[A-Za-z0-9._-]*$`)

func serverName() rule {
	return typed("a host name or an IP address, without a port", func(raw any) (string, bool) {
		s, ok := raw.(string)
		return s, ok && (serverNamePattern.MatchString(s) || net.ParseIP(strings.Trim(s, "[]")) != nil)
	})
}

// oneOf returns the rule of a fixed set of values. A value off need not be in quotes, although yaml then reads it as
// false.
func oneOf(allowed []string) rule {
	quoted := make([]string, len(allowed))
	for i, a := range allowed {
		quoted[i] = strconv.Quote(a)
	}
	return typed(strings.Join(quoted, " or "), func(raw any) (string, bool) {
		if raw == false {
			raw = Off
		}
		s, ok := raw.(string)
		return s, ok && slices.Contains(allowed, s)
	})
}
