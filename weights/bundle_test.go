package weights

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/spinemask/spinemask/internal/testkit/modelfiles"
	"github.com/spinemask/spinemask/internal/testkit/testweights/formula"
	"github.com/spinemask/spinemask/weights/internal/tfbundle"
	"github.com/stretchr/testify/require"
)

const tf1Fixture = "fixtures/tf1_spinenet49s_mrcnn/"

// TestTF1Checkpoint opens the checkpoint that the original wrote in every way that it can be named.
func TestTF1Checkpoint(t *testing.T) {
	dir := shared(t, tf1Fixture+"tiny_ckpt")
	prefix := filepath.Join(dir, "model.ckpt-162050")
	snappy := t.TempDir()
	copyFile(t, shared(t, tf1Fixture+"tiny_ckpt_snappy/model.ckpt-162050.index"), filepath.Join(snappy, "model.ckpt-162050.index"))
	copyFile(t, prefix+".data-00000-of-00001", filepath.Join(snappy, "model.ckpt-162050.data-00000-of-00001"))
	var native []byte
	for _, path := range []string{dir, prefix, prefix + ".index", prefix + ".data-00000-of-00001", snappy, shared(t, tf1Fixture+"spinenet-tiny.tar.gz")} {
		f, err := Open(path)
		require.NoError(t, err)
		c, _, err := f.Config(Options{})
		require.NoError(t, err)
		require.Equal(t, 0.125, c.Backbone.FilterScale)
		require.Equal(t, 0.5, c.Backbone.ResampleAlpha)
		require.Equal(t, []int{16, 16, 32}, []int{c.Backbone.Endpoints, c.RPN.Filters, c.BoxHead.FC[0]})
		require.NoError(t, Check(f, wants(t, c)), "this reads and checks the checksum of every tensor")
		gamma, _ := f.Tensor("backbone/stem/conv/norm/gamma")
		got, err := gamma.Float32(nil)
		require.NoError(t, err)
		require.Equal(t, formula.Values("spinenet/batch_normalization/gamma", 64, 0.25, 1), got)
		var out bytes.Buffer
		require.NoError(t, Convert(&out, f, c, Provenance{Source: "tiny", System: TF1}))
		if native == nil {
			native = out.Bytes()
		}
		require.True(t, bytes.Equal(native, out.Bytes()), "%s: same weights, same file", path)
		sum, err := f.SHA256()
		require.NoError(t, err)
		require.Len(t, sum, 64)
		require.NoError(t, f.Close())
	}
}

func copyFile(t *testing.T, from, to string) {
	b, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, b, 0o644))
}

// TestDamagedDataIsNoticed flips one bit of a tensor.
func TestDamagedDataIsNoticed(t *testing.T) {
	data := []byte{0, 0, 128, 63} // 1
	crc := tfbundle.Checksum(data)
	data[3] ^= 1
	b := &blob{memory: data, reader: bytes.NewReader(data), size: 4}
	c := &contents{}
	require.NoError(t, c.bundle(&tfbundle.Index{Shards: 1, Entries: []tfbundle.Entry{{Name: "x", DType: tfbundle.Float, Size: 4, CRC: crc}}}, []*blob{b}))
	for range 2 {
		_, err := c.tensors[0].Float32(nil)
		require.ErrorIs(t, err, tfbundle.ErrChecksum)
		require.ErrorContains(t, err, "weights: x: ")
		_, err = c.tensors[0].finite()
		require.ErrorIs(t, err, tfbundle.ErrChecksum)
		require.ErrorIs(t, c.tensors[0].writeTo(io.Discard), tfbundle.ErrChecksum)
	}
	data[3] ^= 1
	c.tensors[0].stored.check = crc32c(c.tensors[0].stored, crc)
	v, err := c.tensors[0].Float32(nil)
	require.NoError(t, err)
	require.Equal(t, []float32{1}, v)

	err = c.bundle(&tfbundle.Index{Shards: 1, Entries: []tfbundle.Entry{{Name: "y", DType: tfbundle.Float, Offset: 1, Size: 4}}}, []*blob{b})
	require.ErrorContains(t, err, "y: bytes 1 to 5 of shard 0, which has 4")
}

func TestFolderWithoutOneCheckpoint(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "odd[name]*")
	require.NoError(t, os.Mkdir(dir, 0o755))
	_, err := Open(dir)
	require.ErrorContains(t, err, "0 checkpoints (*.index) in the folder, want one")
	for _, name := range []string{"a.index", "b.index"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
	}
	_, err = Open(dir)
	require.ErrorContains(t, err, "2 checkpoints")
	// The state file of a training machine names a path of that machine.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "checkpoint"), []byte("model_checkpoint_path: \"/tmp/../../run/b\"\nall_model_checkpoint_paths: \"a\"\n"), 0o644))
	_, err = Open(dir)
	require.ErrorIs(t, err, tfbundle.ErrFooter)
	require.ErrorContains(t, err, "b.index")
}

// A checkpoint that came without its index, and files that macOS adds to archives and folders.
func TestPartsOfACheckpoint(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "model[5]")
	data := prefix + ".data-00000-of-00001"
	require.NoError(t, os.WriteFile(data, make([]byte, 9), 0o644))
	_, err := Open(data)
	require.EqualError(t, err, "weights: "+data+": data of a TensorFlow checkpoint, and model[5].index is not beside it")
	_, err = Open(prefix)
	require.EqualError(t, err, "weights: "+prefix+": a TensorFlow checkpoint without its model[5].index")

	for _, name := range []string{"a.index", "._a.index"} {
		require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(prefix), name), nil, 0o644))
	}
	_, err = Open(filepath.Dir(prefix))
	require.ErrorIs(t, err, tfbundle.ErrFooter)
}

// An archived folder of a training has several checkpoints, and a file that names the latest.
func TestArchivedFolderOfATraining(t *testing.T) {
	index, data := modelfiles.Bundle([]modelfiles.Tensor{modelfiles.New("a", 2)})
	files := map[string][]byte{
		"./run/m-5.index": {}, "./run/m-9.index": index, "./run/m-9.data-00000-of-00001": data, "./run/._m-9.index": {1},
	}
	open := func() error {
		b := archiveWith(t, files)
		f, err := Load("m.tar.gz", bytes.NewReader(b), int64(len(b)))
		if err == nil {
			err = f.Close()
		}
		return err
	}
	require.ErrorContains(t, open(), "2 checkpoints (*.index) in the archive")
	files["./run/checkpoint"] = []byte("model_checkpoint_path: \"/elsewhere/m-9\"\n")
	require.NoError(t, open())
	delete(files, "./run/checkpoint")
	delete(files, "./run/m-5.index")
	require.NoError(t, open())
}

// archiveOf makes a .tar.gz of zeros.
func archiveOf(t *testing.T, headers ...tar.Header) []byte {
	var contents [][]byte
	for _, h := range headers {
		contents = append(contents, make([]byte, h.Size))
	}
	return archiveOfContents(t, headers, contents)
}

func archiveOfContents(t *testing.T, headers []tar.Header, contents [][]byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for i, h := range headers {
		require.NoError(t, w.WriteHeader(&h))
		_, err := w.Write(contents[i])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	return out.Bytes()
}

func TestArchivesAreRefused(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	entry := func(name string, size int64) tar.Header {
		return tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644}
	}
	bomb := archiveOf(t, entry("m.index", 40<<20))
	for _, c := range []struct {
		want string
		file []byte
	}{
		{`entry "../m.index" lies outside`, archiveOf(t, entry("../m.index", 1))},
		{`entry "a/../../m.index" lies outside`, archiveOf(t, entry("a/../../m.index", 1))},
		{`entry "/etc/m.index" lies outside`, archiveOf(t, entry("/etc/m.index", 1))},
		{`entry "m.index" is a link to "/etc/passwd"`, archiveOf(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "m.index", Linkname: "/etc/passwd"})},
		{`entry "m.index" is a link to "x"`, archiveOf(t, tar.Header{Typeflag: tar.TypeLink, Name: "m.index", Linkname: "x"})},
		{"without a TensorFlow checkpoint", archiveOf(t, entry("readme", 1), tar.Header{Typeflag: tar.TypeDir, Name: "./"})},
		{"2 checkpoints", archiveOf(t, entry("a.index", 1), entry("b.index", 1))},
		{`two entries are named "a.index"`, archiveOf(t, entry("a.index", 1), entry("a.index", 1))},
		{"no table footer", archiveOf(t, entry("./a.index", 1))},
		{"unpacks to more than allowed", bomb},
		{"unexpected EOF", archiveOf(t, entry("a.index", 1))[:40]},
		{"gzip: invalid", append([]byte{0x1f, 0x8b}, make([]byte, 20)...)},
	} {
		_, err := Load("m.tar.gz", bytes.NewReader(c.file), int64(len(c.file)))
		require.ErrorContains(t, err, c.want)
		left, err := os.ReadDir(temp)
		require.NoError(t, err)
		require.Empty(t, left, "no temporary file stays")
	}
}
