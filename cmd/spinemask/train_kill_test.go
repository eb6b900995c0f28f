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

// A training that is killed at random moments, and resumed each time, ends with the
// same bytes of the model as one that nobody disturbs. bench/torture/train_kill.sh does
// it 50 times.
func TestKilledTrainingsEndWithTheSameBytes(t *testing.T) {
	if folder := os.Getenv("SPINEMASK_TRAIN"); folder != "" { // what is killed
		os.Exit(run([]string{"train", "../../testdata/nuclei_val.json", "--images", "../../testdata/images", "-o", filepath.Join(folder, "m.safetensors"),
			"--train-size", "128x128", "--batch", "1", "--steps", "6", "--validate-every", "2", "--quiet", os.Getenv("SPINEMASK_TRAIN_FLAG")}, os.Stdout, os.Stderr))
	}
	dir := t.TempDir()
	start := func(out, flag string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledTrainingsEndWithTheSameBytes$")
		cmd.Env = append(os.Environ(), "SPINEMASK_TRAIN="+filepath.Join(dir, out), "SPINEMASK_TRAIN_FLAG="+flag)
		cmd.Stderr = os.Stderr
		require.NoError(t, cmd.Start())
		return cmd
	}
	began := time.Now()
	require.NoError(t, start("whole", "--resume=false").Wait())
	took := time.Since(began)

	random := rand.New(rand.NewPCG(1, 2))
	state := filepath.Join(dir, "killed", "m.training", trainState)
	killed := 0
	for range 2 {
		flag := "--resume=false"
		if _, err := os.Stat(state); err == nil {
			flag = "--resume"
		}
		cmd := start("killed", flag)
		timer := time.AfterFunc(time.Duration((0.1+0.4*random.Float64())*float64(took)), func() { cmd.Process.Kill() })
		cmd.Wait()
		timer.Stop()
		if cmd.ProcessState.ExitCode() == -1 {
			killed++
		}
	}
	require.NotZero(t, killed)
	require.NoError(t, start("killed", "--resume").Wait())
	want, err := os.ReadFile(filepath.Join(dir, "whole", "m.safetensors"))
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(dir, "killed", "m.safetensors"))
	require.NoError(t, err)
	require.True(t, string(want) == string(got))
	t.Logf("killed %d times", killed)
}
