package chaos

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/fabric-kafka/orderer/network/fabricnet"
)

// ofApache is the prefix of Settings.Brokers for brokers of Apache Kafka that the network started.
const ofApache = "Apache Kafka "

// ofApache reports whether the brokers are those of package apache, with its settings.
func (s Settings) ofApache() bool { return strings.HasPrefix(s.Brokers, ofApache) }

// SettingsOf returns the settings of a run on a network.
func SettingsOf(c Config) (Settings, error) {
	o := c.Network.Options()
	build, err := digest(c.Network.Bin("orderer"))
	if err != nil {
		return Settings{}, err
	}
	orderers := fmt.Sprintf("%d orderers of build %s", o.Orderers, build)
	if len(o.Settings) > 0 {
		orderers += " with " + strings.Join(o.Settings, " ")
	}
	if o.Proxied {
		orderers += ", proxied"
	}
	return Settings{
		Channel:  c.Channel,
		Brokers:  brokersOf(o),
		Orderers: orderers,
		Load:     fmt.Sprintf("%d envelopes/s of %d bytes by %d clients", c.Load.Rate, c.Load.Size, c.Load.Streams),
		Faults:   slices.Sorted(slices.Values(namesOf(c.Faults))),
		Seed:     c.Seed,
	}, nil
}

func brokersOf(o fabricnet.Options) string {
	switch {
	case len(o.Brokers) > 0:
		return "the brokers " + strings.Join(o.Brokers, ",")
	case o.Apache != "":
		return fmt.Sprintf("%s%s, %d brokers", ofApache, o.Apache, o.BrokerCount)
	}
	return "the embedded broker"
}

// digest returns the beginning of a file's SHA-256.
func digest(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read %s: %w", file, err)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:6]), nil
}
