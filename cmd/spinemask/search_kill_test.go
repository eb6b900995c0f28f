package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A search that is killed at random moments, and gone on with each time, ends with the same bytes as one that nobody disturbs: what a
// controller knows follows from the lines. bench/torture/search_kill.sh does it 50 times, also with two processes.
func TestKilledSearchesEndWithTheSameBytes(t *testing.T) {
	if folder := os.Getenv("SPINEMASK_SEARCH"); folder != "" { // what is killed
		args := []string{"search", "../../testdata/nuclei_val.json", "--images", "../../testdata/images", "-o", folder, "--controller", "local",
			"--evaluations", "12", "--steps", "1", "--batch", "1", "--size", "128", "--quiet"}
		if _, err := os.Stat(filepath.Join(folder, "search.json")); err == nil {
			args = []string{"search", "--resume", folder, "--quiet"}
		}
		os.Exit(run(args, os.Stdout, os.Stderr))
	}
	dir := t.TempDir()
	whole, killed := filepath.Join(dir, "whole", "found"), filepath.Join(dir, "killed", "found")
	start := func(folder string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledSearchesEndWithTheSameBytes$")
		cmd.Env = append(os.Environ(), "SPINEMASK_SEARCH="+folder)
		cmd.Stderr = os.Stderr
		require.NoError(t, cmd.Start())
		return cmd
	}
	began := time.Now()
	require.NoError(t, start(whole).Wait())
	took := time.Since(began)

	random := rand.New(rand.NewPCG(1, 2))
	kills := 0
	for range 4 {
		cmd := start(killed)
		timer := time.AfterFunc(time.Duration((0.1+0.3*random.Float64())*float64(took)), func() { cmd.Process.Kill() })
		cmd.Wait()
		timer.Stop()
		if cmd.ProcessState.ExitCode() == -1 {
			kills++
		}
	}
	require.NotZero(t, kills)
	require.NoError(t, start(killed).Wait())
	for _, folder := range []string{whole, killed} {
		require.NoError(t, os.RemoveAll(filepath.Join(folder, "work"))) // whose claims count the kills
		require.NoError(t, os.Remove(filepath.Join(folder, "times.jsonl")))
	}
	require.NoError(t, sameFolders(whole, killed))
	t.Logf("killed %d times", kills)
}
