package settings

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// rule states which values in orderer.yaml or the environment a key accepts. A yaml number comes as an
// int or, since the orderer copies its configuration through JSON, as a float64; everything from the
// environment comes as a string.
type rule struct {
	want   string                    // what is allowed, for the operator
	parse  func(raw any) (any, bool) // false if raw is not allowed
	detail func(refused any) string  // more about a value that is not allowed; may be nil
}

// typed returns a rule for values of type T.
func typed[T any](want string, parse func(raw any) (T, bool)) rule {
	return rule{want: want, parse: func(raw any) (any, bool) { return parse(raw) }}
}

// ruleOf returns the rule that the tags of a field state. Relative files are in dir.
func ruleOf(tag reflect.StructTag, dir string) rule {
	switch is := tag.Get("is"); is {
	case "flag":
		return flag()
	case "number":
		return number(limit(tag, "min", parseWhole), limit(tag, "max", parseWhole))
	case "bytes":
		return byteSize(limit(tag, "min", parseWhole))
	case "fraction":
		return fraction()
	case "duration":
		return duration(limit(tag, "min", time.ParseDuration), limit(tag, "max", time.ParseDuration))
	case "one of":
		return oneOf(strings.Split(tag.Get("of"), ","))
	case "name":
		return name()
	case "name or empty":
		return optionalName()
	case "user":
		return user()
	case "server name":
		return serverName()
	case "file":
		return file(dir)
	case "files":
		return files(dir)
	case "command":
		return command()
	case "brokers":
		return addressList()
	case "channels":
		return channels()
	case "offsets":
		return offsets()
	case "topic ids":
		return topicIDs()
	default:
		panic(fmt.Sprintf("settings: the tag is has %q, which is not a rule", is))
	}
}

// limit returns a limit that a tag states.
func limit[T any](tag reflect.StructTag, name string, parse func(string) (T, error)) T {
	v, err := parse(tag.Get(name))
	if err != nil {
		panic(fmt.Sprintf("settings: the tag %s: %v", name, err))
	}
	return v
}

func parseWhole(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }
