package weights

import (
	"archive/tar"
	"bytes"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// samples are small files of every format.
func samples(t *testing.T) map[string][]byte {
	files := map[string][]byte{}
	for _, name := range []string{"tiny_zip.pth", "tiny_legacy.pth"} {
		b, err := os.ReadFile("internal/pytorch/testdata/" + name)
		require.NoError(t, err)
		files[name] = b
	}
	var native bytes.Buffer
	require.NoError(t, write(&native, sample(t).tensors, map[string]string{"x": "y"}))
	files["safetensors"] = native.Bytes()
	index, err := os.ReadFile("internal/tfbundle/testdata/snappy.index")
	require.NoError(t, err)
	files["tar.gz"] = archiveWith(t, map[string][]byte{"a/m.index": index, "a/m.data-00000-of-00001": make([]byte, 3385616)})
	return files
}

func archiveWith(t *testing.T, files map[string][]byte) []byte {
	var headers []tar.Header
	var contents [][]byte
	for _, name := range sortedKeys(files) {
		headers = append(headers, tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(files[name])), Mode: 0o644})
		contents = append(contents, files[name])
	}
	return archiveOfContents(t, headers, contents)
}

// readAll opens a file and reads all of its tensors.
func readAll(b []byte) error {
	f, err := Load("m", bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err
	}
	defer f.Close()
	for _, v := range f.tensors {
		if !v.dtype.Float() {
			continue
		}
		if _, err := v.Float32(nil); err != nil {
			return err
		}
	}
	return nil
}

// TestCutFilesAreRefused cuts files at every byte, the large one at many.
func TestCutFilesAreRefused(t *testing.T) {
	for name, b := range samples(t) {
		step := 1
		if name == "tar.gz" {
			step = 997
		}
		for n := 0; n < len(b); n += step {
			require.Error(t, readAll(b[:n]), "%s cut at byte %d", name, n)
		}
		require.Error(t, readAll(b[:len(b)-1]), name)
	}
}

// TestDamagedFilesStayBounded turns over bits of every byte: whatever a file says then, reading it does not panic, and
// takes memory in the order of its size.
func TestDamagedFilesStayBounded(t *testing.T) {
	for name, b := range samples(t) {
		if name == "tar.gz" { // of which one bit is enough
			continue
		}
		var before, after runtime.MemStats
		for at := range b {
			damaged := bytes.Clone(b)
			damaged[at] ^= 1 << (at % 8)
			runtime.ReadMemStats(&before)
			_ = readAll(damaged)
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20), "%s byte %d", name, at)
		}
	}
}
