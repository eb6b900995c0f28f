//go:build unix

package spinemask_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/testkit/testweights/formula"
	"github.com/spinemask/spinemask/weights"
)

// formulaFile writes a native file of a published size of SpineNet with
// weights by formula.
func formulaFile(t testing.TB, variant string) string {
	c, err := config.TF1(variant)
	require.NoError(t, err)
	n, err := network.Build(c)
	require.NoError(t, err)
	var tensors []weights.Tensor
	for _, w := range n.Tensors() {
		size := 1
		for _, d := range w.Shape {
			size *= d
		}
		centre := float32(0)
		if w.Statistic {
			centre = 1
		}
		tensors = append(tensors, weights.NewTensor(w.Name, w.Shape, formula.Values(w.Name, size, 0.5, centre)))
	}
	f, err := weights.FromTensors(variant, tensors, nil)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), variant+".safetensors")
	out, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, weights.Convert(out, f, c, weights.Provenance{}))
	require.NoError(t, out.Close())
	return path
}

// BenchmarkOpen measures how long a model takes to load, in turn with a plain
// copy of its file's bytes into fresh memory, each in a process of its own: a
// heap that is used again is cleared first. x-copy is the ratio of the times,
// x-best that of the shortest, x-cpu that of the processor's time of all threads.
func BenchmarkOpen(b *testing.B) {
	for _, variant := range []string{"49", "190"} {
		path := formulaFile(b, variant)
		b.Run(variant, func(b *testing.B) {
			var load, copied spent
			for b.Loop() {
				copied.add(b, path, "copy")
				load.add(b, path, "open")
			}
			b.ReportMetric(load.wall.Seconds()/copied.wall.Seconds(), "x-copy")
			b.ReportMetric(load.best.Seconds()/copied.best.Seconds(), "x-best")
			b.ReportMetric(load.cpu.Seconds()/copied.cpu.Seconds(), "x-cpu")
			b.ReportMetric(load.best.Seconds()*1e3, "load-ms")
			b.ReportMetric(copied.best.Seconds()*1e3, "copy-ms")
			b.ReportMetric(load.peak/1e6, "peak-MB")
			b.ReportMetric(load.weights/1e6, "weight-MB")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// spent is what processes took: the time of the clock, in all and at best, and
// that of the processors; the most memory, and the packed weights, in bytes.
type spent struct {
	wall, best, cpu time.Duration
	peak, weights   float64
}

const loadJob = "SPINEMASK_TEST_LOAD" // what TestLoadJob does: "open" or "copy", and a file

// add runs a job in a process of its own.
func (s *spent) add(t testing.TB, path, job string) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestLoadJob$", "-test.v")
	cmd.Env = append(os.Environ(), loadJob+"="+job+" "+path)
	out, err := cmd.Output()
	require.NoError(t, err)
	_, line, ok := strings.Cut(string(out), loadJob)
	require.True(t, ok, "%s", out)
	var wall, cpu time.Duration
	_, err = fmt.Sscan(line, &wall, &cpu, &s.peak, &s.weights)
	require.NoError(t, err)
	if s.best == 0 || wall < s.best {
		s.best = wall
	}
	s.wall += wall
	s.cpu += cpu
}

// TestLoadJob is one run of BenchmarkOpen.
func TestLoadJob(t *testing.T) {
	job, path, ok := strings.Cut(os.Getenv(loadJob), " ")
	if !ok {
		return
	}
	bytes := int64(0)
	begin, before := time.Now(), usage()
	if job == "copy" {
		copyFile(t, path)
	} else {
		m, err := spinemask.Open(path, nil)
		require.NoError(t, err)
		bytes = m.WeightBytes()
	}
	wall, after := time.Since(begin), usage()
	fmt.Println(loadJob, int64(wall), after.Utime.Nano()+after.Stime.Nano()-before.Utime.Nano()-before.Stime.Nano(), after.Maxrss*1024, bytes)
}

func usage() (u syscall.Rusage) {
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u
}

// copyFile copies the bytes of a file into fresh memory, and gives it back.
func copyFile(t testing.TB, path string) {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	info, err := f.Stat()
	require.NoError(t, err)
	size := int(info.Size())
	from, err := syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ, syscall.MAP_PRIVATE)
	require.NoError(t, err)
	to, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	require.NoError(t, err)
	require.Equal(t, size, copy(to, from))
	require.True(t, bytes.Equal(to[size-8:], from[size-8:]))
	require.NoError(t, syscall.Munmap(to))
	require.NoError(t, syscall.Munmap(from))
}

// The hash is taken when it is asked for, of the file that was opened.
func TestModelKnowsItsFile(t *testing.T) {
	data, err := os.ReadFile("models/nuclei/nuclei.safetensors")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "m.safetensors")
	require.NoError(t, os.WriteFile(path, data, 0o666))
	m, err := spinemask.Open(path, nil)
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.WriteFile(path, []byte("another"), 0o666))
	sum, err := m.SHA256()
	require.NoError(t, err)
	want := sha256.Sum256(data)
	require.Equal(t, hex.EncodeToString(want[:]), sum)
	require.NoError(t, m.Close())

	sum, err = tinyModel(t, spinemask.Options{}).SHA256()
	require.NoError(t, err)
	require.Empty(t, sum)
}
