//go:build unix

package spinemask_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/network"
	"github.com/spinemask/spinemask/internal/testweights/formula"
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
// copy of its file's bytes into memory that the process did not have before.
// x-copy is the ratio of the times, x-cpu that of the processor's time of all
// threads.
func BenchmarkOpen(b *testing.B) {
	for _, variant := range []string{"49", "190"} {
		path := formulaFile(b, variant)
		for name, o := range map[string]spinemask.Options{"direct": {NoWinograd: true}, "winograd": {}} {
			b.Run(variant+"/"+name, func(b *testing.B) {
				var load, copied spent
				for b.Loop() {
					debug.FreeOSMemory()
					copied.add(func() { copyFile(b, path) })
					debug.FreeOSMemory()
					load.add(func() {
						m, err := spinemask.Open(path, &o)
						require.NoError(b, err)
						b.ReportMetric(float64(m.WeightBytes())/1e6, "weight-MB")
						require.NoError(b, m.Close())
					})
				}
				b.ReportMetric(load.wall.Seconds()/copied.wall.Seconds(), "x-copy")
				b.ReportMetric(load.cpu.Seconds()/copied.cpu.Seconds(), "x-cpu")
				b.ReportMetric(load.wall.Seconds()*1e3/float64(b.N), "load-ms")
				b.ReportMetric(copied.wall.Seconds()*1e3/float64(b.N), "copy-ms")
			})
		}
	}
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

// spent is the time of the clock and of all threads.
type spent struct{ wall, cpu time.Duration }

func (s *spent) add(f func()) {
	wall, cpu := time.Now(), processorTime()
	f()
	s.wall += time.Since(wall)
	s.cpu += processorTime() - cpu
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
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
