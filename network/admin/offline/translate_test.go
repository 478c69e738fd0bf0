package offline_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/network/admin/admintest"
	"github.com/fabric-kafka/orderer/network/admin/command"
)

func TestTranslateCommand(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		checktest.Must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	plain := file("plain.yaml", "Kafka: {Topic: {ReplicationFactor: 5}, Version: 1.0.0}\n")
	secret := file("secret.yaml", "Kafka: {SASLPlain: {Enabled: true, User: u, Password: swordfish}}\n")
	sample := file("orderer.yaml", "# ours\nGeneral: {ListenPort: 7050}\nConsensus: {WALDir: /wal}\n")
	none := file("none.yaml", "General: {}\n")
	for name, test := range map[string]struct {
		args  []string
		code  int
		says  []string // printed
		holds []string // by the file written; none: it must not exist
	}{
		"a section":       {[]string{"--from", plain}, command.ExitFine, []string{"Kafka.Version: left out: it is negotiated"}, []string{"ReplicationFactor: 5", "ClientID"}},
		"into a file":     {[]string{"--from", plain, "--into", sample}, command.ExitFine, nil, []string{"# ours", "WALDir: /wal", "ReplicationFactor: 5"}},
		"something to do": {[]string{"--from", secret}, command.ExitRefused, []string{"Kafka.SASLPlain.Password: not carried over", "left to do by hand: 1"}, []string{"User: u"}},
		"no section":      {[]string{"--from", none}, command.ExitRefused, []string{"none.yaml: it has no section Kafka"}, nil},
		"no orderer.yaml": {[]string{"--from", plain, "--into", secret}, command.ExitRefused, []string{"it has no section General"}, nil},
		"no file":         {[]string{"--from", filepath.Join(dir, "missing")}, command.ExitUsage, []string{"no such file"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			to := filepath.Join(t.TempDir(), "out.yaml")
			code, out, complaint := admintest.Run(t, append([]string{"translate", "--out", to}, test.args...)...)
			if code != test.code {
				t.Errorf("exit %d, want %d", code, test.code)
			}
			written, err := os.ReadFile(to)
			if (err != nil) != (len(test.holds) == 0) {
				t.Errorf("read what was written: %v", err)
			}
			for _, want := range test.says {
				if !strings.Contains(out+complaint, want) {
					t.Errorf("printed %s%s, want %q", out, complaint, want)
				}
			}
			for _, want := range test.holds {
				if !strings.Contains(string(written), want) {
					t.Errorf("wrote\n%s, want %q", written, want)
				}
			}
			if strings.Contains(string(written)+out+complaint, "swordfish") {
				t.Error("the password is in the output")
			}
		})
	}
}
