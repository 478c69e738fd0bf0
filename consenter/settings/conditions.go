package settings

import (
	"fmt"

	"github.com/fabric-kafka/orderer/chain/log/kafka"
)

// need is a value of one key without which another key has no effect. A key that is
// set and lacks it is refused: whoever sets the authorities of TLS believes that the
// connections are encrypted.
type need struct {
	on   string      // the key that decides
	met  func() bool // by its value, once all are read
	is   func() string
	want string // the values of it that meet the need
}

// encryption is what the keys of TLS need.
func (c *Config) encryption() need {
	return need{
		on:   "TLS.Enabled",
		met:  func() bool { return c.TLS.Enabled },
		is:   func() string { return "false" },
		want: "true",
	}
}

// password is what the keys of the mechanisms with a password need.
func (c *Config) password() need {
	want := fmt.Sprintf("%s, %s or %s", kafka.Plain, kafka.ScramSHA256, kafka.ScramSHA512)
	return need{on: "SASL.Mechanism", met: func() bool { return c.SASL.byPassword() }, is: c.mechanism, want: want}
}

// token is what the keys of the mechanism with a token need.
func (c *Config) token() need {
	return need{on: "SASL.Mechanism", met: func() bool { return c.SASL.byToken() }, is: c.mechanism, want: kafka.OAuthBearer}
}

func (c *Config) mechanism() string {
	if c.SASL.Mechanism == "" {
		return "empty"
	}
	return c.SASL.Mechanism
}

// ineffective are the keys that are set and lack what they need.
func ineffective(keys []key) (found []contradiction) {
	for _, k := range keys {
		if k.needs.on == "" || !k.set() || k.needs.met() {
			continue
		}
		fault := fmt.Sprintf("%[1]s.%[2]s is given, but %[3]s is %[4]s, so it has no effect; set %[3]s to %[5]s, or leave %[2]s empty",
			Key, k.name, k.needs.on, k.needs.is(), k.needs.want)
		found = append(found, contradiction{[2]string{k.name, k.needs.on}, fault})
	}
	return found
}
