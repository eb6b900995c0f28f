package spinemask_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The program in the README runs as it stands there, and prints what the command
// finds in the same picture.
func TestProgramOfTheReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(readme), "```go\n")
	require.True(t, found)
	program, _, found := strings.Cut(rest, "```")
	require.True(t, found)
	main := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(main, []byte(program), 0o644))
	got, err := exec.Command("go", "run", main).CombinedOutput()
	require.NoError(t, err, "%s", got)

	command, err := exec.Command("go", "run", "./cmd/spinemask", "segment", "testdata/images/c901794d1a421d52.png", "-o", "-").Output()
	require.NoError(t, err)
	var line struct {
		Instances []struct {
			Category string
			Score    float64
			Area     int
		}
	}
	require.NoError(t, json.Unmarshal(command, &line))
	printed := strings.Split(strings.TrimSpace(string(got)), "\n")
	require.Len(t, printed, len(line.Instances))
	require.NotEmpty(t, printed)
	for i, in := range line.Instances {
		require.Contains(t, printed[i], fmt.Sprintf("%s %.3f, %d pixels in (", in.Category, in.Score, in.Area))
	}
}
