package settings

import (
	"fmt"
	"math"
	"net"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// value takes what orderer.yaml or the environment gives for one key. A yaml
// number comes as an int or, since the orderer copies its configuration through
// JSON, as a float64; everything from the environment comes as a string.
type value struct {
	want string             // what is allowed, for the operator
	take func(raw any) bool // sets the field; false, and the field as it was, if raw is not allowed
	set  func() bool        // reports whether the field has another value than nothing
}

// taking sets a field to what parse makes of a raw value.
func taking[T any](field *T, want string, parse func(raw any) (T, bool)) value {
	take := func(raw any) bool {
		v, ok := parse(raw)
		if ok {
			*field = v
		}
		return ok
	}
	return value{want: want, take: take, set: func() bool { return !isEmpty(reflect.ValueOf(*field)) }}
}

// isEmpty reports whether a value is the zero value of its type, or an empty list.
func isEmpty(v reflect.Value) bool {
	if v.Kind() == reflect.Slice || v.Kind() == reflect.Map {
		return v.Len() == 0
	}
	return v.IsZero()
}

func duration(field *time.Duration, least, most time.Duration) value {
	want := fmt.Sprintf("a duration with its unit, such as 500ms or 5s, of at least %s and at most %.0fh", least, most.Hours())
	return taking(field, want, func(raw any) (time.Duration, bool) {
		s, _ := raw.(string)
		d, err := time.ParseDuration(strings.TrimSpace(s))
		return d, err == nil && d >= least && d <= most
	})
}

func whole[T int | int16](field *T, least, most T) value {
	return taking(field, fmt.Sprintf("a whole number from %d to %d", least, most), func(raw any) (T, bool) {
		n, ok := integer(raw)
		return T(n), ok && n >= int64(least) && n <= int64(most)
	})
}

func integer(raw any) (int64, bool) {
	switch v := raw.(type) {
	case int:
		return int64(v), true
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		return n, err == nil
	}
	return 0, false
}

// sizePattern is what the orderer takes for its own byte sizes.
var sizePattern = regexp.MustCompile(`^([0-9]{1,10}) *([kmg]?)b?$`)

func size(field *int32, least int64) value {
	want := fmt.Sprintf("a number of bytes from %d to %d, such as 1048576 or 1 MB", least, math.MaxInt32)
	return taking(field, want, func(raw any) (int32, bool) {
		n, ok := bytesOf(raw)
		return int32(n), ok && n >= least && n <= math.MaxInt32
	})
}

func bytesOf(raw any) (int64, bool) {
	s, ok := raw.(string)
	if !ok {
		return integer(raw)
	}
	part := sizePattern.FindStringSubmatch(strings.ToLower(strings.TrimSpace(s)))
	if part == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(part[1], 10, 64)
	shift := map[string]int{"": 0, "k": 10, "m": 20, "g": 30}[part[2]]
	return n << shift, err == nil
}

func fraction(field *float64) value {
	return taking(field, "a number from 0 to 1", func(raw any) (float64, bool) {
		f, err := strconv.ParseFloat(strings.TrimSpace(fmt.Sprint(raw)), 64)
		return f, err == nil && f >= 0 && f <= 1
	})
}

func flag(field *bool) value {
	return taking(field, "true or false", func(raw any) (bool, bool) {
		switch strings.ToLower(strings.TrimSpace(fmt.Sprint(raw))) {
		case "true":
			return true, true
		case "false":
			return false, true
		}
		return false, false
	})
}

// user takes a name without the bytes that separate it from the password in what
// PLAIN sends.
func user(field *string) value {
	return taking(field, "a name, in quotes if it looks like a number, without space around it", func(raw any) (string, bool) {
		s, ok := raw.(string)
		return s, ok && s == strings.TrimSpace(s) && !strings.ContainsFunc(s, unicode.IsControl)
	})
}

// serverNamePattern is what can be compared with the names in a certificate.
var serverNamePattern = regexp.MustCompile(`^[A-Za-z0-9._-]*$`)

func serverName(field *string) value {
	return taking(field, "a host name or an IP address, without a port", func(raw any) (string, bool) {
		s, ok := raw.(string)
		return s, ok && (serverNamePattern.MatchString(s) || net.ParseIP(strings.Trim(s, "[]")) != nil)
	})
}

// clientIDPattern is what every Kafka release takes.
var clientIDPattern = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

func clientID(field *string) value {
	return taking(field, "a name of letters, digits, dots, underscores and hyphens", func(raw any) (string, bool) {
		s, ok := raw.(string)
		return s, ok && clientIDPattern.MatchString(s)
	})
}

func group(field *string) value {
	return taking(field, "a name of letters, digits, dots, underscores and hyphens, or empty", func(raw any) (string, bool) {
		s, ok := raw.(string)
		return s, ok && (s == "" || clientIDPattern.MatchString(s))
	})
}

func oneOf(field *string, allowed ...string) value {
	quoted := make([]string, len(allowed))
	for i, a := range allowed {
		quoted[i] = strconv.Quote(a)
	}
	return taking(field, strings.Join(quoted, " or "), func(raw any) (string, bool) {
		s, ok := raw.(string)
		return s, ok && slices.Contains(allowed, s)
	})
}

// Values of keys that chain has no names for.
const (
	Off           = "off"     // yaml takes it for false unless it is in quotes
	HealthBrokers = "brokers" // an outage of the brokers fails the orderer's health check
)

// mode is one of some names, or off.
func mode(field *string, names ...string) value {
	v := oneOf(field, append(names, Off)...)
	take := v.take
	v.take = func(raw any) bool {
		if raw == false {
			raw = Off
		}
		return take(raw)
	}
	return v
}

const wantFile = "the name of a file, not what is in it"

func file(field *string, dir string) value {
	return taking(field, wantFile, func(raw any) (string, bool) { return fileName(raw, dir) })
}

// fileName is relative to dir, as the orderer's own files are to orderer.yaml.
// What is in a key file must not be taken for a name, which would be printed.
func fileName(raw any, dir string) (string, bool) {
	s, ok := raw.(string)
	switch {
	case !ok || inline(s) || (s != "" && strings.TrimSpace(s) == ""):
		return "", false
	case s == "" || filepath.IsAbs(s):
		return s, true
	}
	return filepath.Join(dir, s), true
}

// inline says whether a text is in all likelihood what a file holds: a key, or a
// signed token.
func inline(s string) bool {
	return strings.ContainsAny(s, "\r\n") || strings.Contains(s, "-----") || strings.HasPrefix(s, "eyJ")
}

// command is a program by its absolute path, so that it does not depend on how
// the orderer was started, and its arguments.
func command(field *[]string) value {
	return taking(field, "a list of the absolute path of a program and its arguments, as a yaml list or as a,b,c", func(raw any) ([]string, bool) {
		list, ok := listOf(raw)
		var line []string
		for _, item := range list {
			word, isText := item.(string)
			ok = ok && isText && !inline(word)
			line = append(line, word)
		}
		return line, ok && (len(line) == 0 || filepath.IsAbs(line[0]))
	})
}

func files(field *[]string, dir string) value {
	return taking(field, "a list of names of files, each once, as a yaml list or as a,b,c", func(raw any) ([]string, bool) {
		list, ok := listOf(raw)
		var names []string
		for _, item := range list {
			name, isName := fileName(item, dir)
			ok = ok && isName && name != "" && !slices.Contains(names, name)
			names = append(names, name)
		}
		return names, ok
	})
}

// listOf takes a yaml list, and "a,b" or "[a,b]" from the environment. Only the
// empty text is an empty list: where an item is missing, a variable may have been
// meant that is not set.
func listOf(raw any) ([]any, bool) {
	s, isText := raw.(string)
	if !isText {
		list, ok := raw.([]any)
		return list, ok
	}
	if inner, ok := strings.CutPrefix(strings.TrimSpace(s), "["); ok && strings.HasSuffix(inner, "]") {
		s = strings.TrimSpace(strings.TrimSuffix(inner, "]"))
	}
	if s == "" {
		return nil, true
	}
	var list []any
	for item := range strings.SplitSeq(s, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			return nil, false
		}
		list = append(list, item)
	}
	return list, true
}
