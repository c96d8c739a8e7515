package job

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/credentials"
)

// othersVariable names the folders with the pull secrets of the Job beside the first, which is its DOCKER_CONFIG.
const othersVariable = "PODPROOF_PULL_SECRETS"

// LogIn has this process read registries with all pull secrets of its Job, the first that knows a registry before the
// others. They get into its environment alone, where Docker's configuration finds them, and into no file.
func LogIn() error {
	folders := filepath.SplitList(os.Getenv(othersVariable))
	if len(folders) == 0 {
		return nil
	}
	type login struct {
		Auth string `json:"auth"`
	}
	logins := map[string]login{}
	for _, folder := range append([]string{os.Getenv("DOCKER_CONFIG")}, folders...) {
		found := map[string]login{}
		f, err := os.Open(filepath.Join(folder, "config.json"))
		if errors.Is(err, os.ErrNotExist) {
			continue // a kubelet does without a secret that is not there
		}
		if err != nil {
			return fmt.Errorf("reading a pull secret: %w", err)
		}
		c := configfile.New("")
		err = c.LoadFromReader(f)
		_ = f.Close()
		if err != nil { // which may quote it
			return fmt.Errorf("a pull secret of the Job, at %s, holds no Docker configuration that can be read; make it with `kubectl create secret docker-registry`", folder)
		}
		for where, a := range c.AuthConfigs {
			if a.Username == "" {
				continue
			}
			l := login{base64.StdEncoding.EncodeToString([]byte(a.Username + ":" + a.Password))}
			found[where] = l
			if strings.Contains(where, "://") {
				found[credentials.ConvertToHostname(where)] = l
			}
		}
		maps.Copy(found, logins) // those of before come first
		logins = found
	}
	if len(logins) == 0 {
		return nil
	}
	text, err := json.Marshal(map[string]any{"auths": logins})
	if err != nil {
		return err
	}
	return os.Setenv(configfile.DockerEnvConfigKey, string(text))
}
