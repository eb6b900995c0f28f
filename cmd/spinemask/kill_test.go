package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A run that is killed at random moments, and resumed each time, ends with the same bytes in every file as one that nobody disturbs. bench/torture/kill.sh
// does it 200 times.
func TestKilledRunsEndWithTheSameBytes(t *testing.T) {
	if os.Getenv("SPINEMASK_RUN") != "" { // what is killed
		os.Exit(run([]string{"segment", os.Getenv("SPINEMASK_PHOTOS"), "-o", os.Getenv("SPINEMASK_RUN"), "--save", "coco,report,csv,masks,cutouts",
			"--max-detections", "12", "--on-existing", "skip", "--quiet"}, os.Stdout, os.Stderr))
	}
	dir := t.TempDir()
	photos := filepath.Join(dir, "photos")
	require.NoError(t, os.Mkdir(photos, 0o777))
	photo, err := os.ReadFile("../../testdata/images/d35f25c8e3f7fca5.png")
	require.NoError(t, err)
	for i := range 9 {
		if i == 5 { // a failure among them
			photo = photo[:len(photo)/2]
		}
		require.NoError(t, os.WriteFile(filepath.Join(photos, fmt.Sprintf("p%02d.png", i)), photo, 0o666))
		if i == 5 {
			photo, err = os.ReadFile("../../testdata/images/e50ac10d1dce6496.png")
			require.NoError(t, err)
		}
	}
	start := func(out string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledRunsEndWithTheSameBytes$")
		cmd.Env = append(os.Environ(), "SPINEMASK_RUN="+filepath.Join(dir, out), "SPINEMASK_PHOTOS="+photos)
		require.NoError(t, cmd.Start())
		return cmd
	}
	began := time.Now()
	start("whole").Wait()
	took := time.Since(began)

	random := rand.New(rand.NewPCG(1, 2))
	killed := 0
	for range 20 {
		cmd := start("killed")
		timer := time.AfterFunc(time.Duration(random.Float64()*float64(took/4)), func() { cmd.Process.Kill() })
		cmd.Wait()
		timer.Stop()
		if cmd.ProcessState.ExitCode() == -1 {
			killed++
		}
	}
	require.Greater(t, killed, 5)
	cmd := start("killed")
	cmd.Wait()
	require.Equal(t, exitFailures, cmd.ProcessState.ExitCode())
	require.NoError(t, sameFolders(filepath.Join(dir, "whole"), filepath.Join(dir, "killed")))
	t.Logf("killed %d times", killed)
}
