package spinemask_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/models/nuclei"
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

	model, err := nuclei.Open(&spinemask.Options{MinScore: spinemask.DisplayScore})
	require.NoError(t, err)
	defer model.Close()
	result, err := model.Segment(context.Background(), readImage("testdata/images/c901794d1a421d52.png"))
	require.NoError(t, err)
	var want strings.Builder
	for _, in := range result.Instances {
		fmt.Fprintf(&want, "%s %.3f, %d pixels in %v\n", in.Name, in.Score, in.Mask.Area(), in.Bounds())
	}
	require.Equal(t, want.String(), string(got))
}
