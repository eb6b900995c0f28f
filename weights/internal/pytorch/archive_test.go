package pytorch

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
)

// part is an entry of an archive.
type part struct {
	name, content string
	method        uint16
	mode          fs.FileMode
}

func archiveOf(t *testing.T, parts ...part) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, p := range parts {
		h := &zip.FileHeader{Name: p.name, Method: p.method}
		h.SetMode(p.mode)
		w, err := z.CreateHeader(h)
		require.NoError(t, err)
		_, err = w.Write([]byte(p.content))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

// floats is the program of a dictionary of one tensor over a storage of n floats with the key 0.
func floats(n byte) string {
	id := "(" + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + "K" + string(n) + "t"
	return "\x80\x02}" + text("w") + rebuildV2 + "(" + id + "QK\x00K" + string(n) + "\x85K\x01\x85\x89NtRs."
}

func TestArchivesAreRefusedByRule(t *testing.T) {
	pkl := part{name: "m/data.pkl", content: floats(2)}
	data := part{name: "m/data/0", content: "12345678"}
	got, err := read(archiveOf(t, pkl, data, part{name: "m/byteorder", content: "little"}))
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, "w", got[0].Name)
	damaged := archiveOf(t, pkl, data)
	damaged[bytes.Index(damaged, []byte(text("w")))+5] = 'v'
	for _, c := range []struct {
		rule  error
		name  string
		parts []part
	}{
		{ErrNotTorch, "no data.pkl", []part{data}},
		{ErrNotTorch, "TorchScript", []part{pkl, data, {name: "m/constants.pkl"}}},
		{ErrArchive, "outside", []part{pkl, data, {name: "../x"}}},
		{ErrArchive, "absolute", []part{pkl, data, {name: "/x"}}},
		{ErrArchive, "link", []part{pkl, data, {name: "x", mode: fs.ModeSymlink}}},
		{ErrArchive, "twins", []part{pkl, data, data}},
		{ErrArchive, "compressed pickle", []part{{name: "m/data.pkl", content: floats(2), method: zip.Deflate}, data}},
		{ErrArchive, "compressed data", []part{pkl, {name: "m/data/0", content: "12345678", method: zip.Deflate}}},
		{ErrArchive, "big-endian", []part{pkl, data, {name: "m/byteorder", content: "big"}}},
		{ErrStorage, "no data", []part{pkl}},
		{ErrSize, "short data", []part{pkl, {name: "m/data/0", content: "1234"}}},
		{ErrSize, "odd data", []part{pkl, {name: "m/data/0", content: "123456789"}}},
	} {
		_, err := read(archiveOf(t, c.parts...))
		require.ErrorIs(t, err, c.rule, c.name)
	}
	_, err = read(damaged)
	require.ErrorIs(t, err, ErrChecksum)
	require.ErrorIs(t, got[0].Data.Verify(bytes.NewReader(make([]byte, 1000))), ErrChecksum)
}

func TestOldFilesAreRefusedByRule(t *testing.T) {
	magic := "\x80\x02\x8a\x0a" + string(legacyMagic) + "."
	machine := "\x80\x02}" + text("little_endian") + "\x88s."
	keys := "\x80\x02]" + text("0") + "a."
	count := func(n uint64) string { return string(binary.LittleEndian.AppendUint64(nil, n)) }
	good := magic + "\x80\x02M\xe9\x03." + machine + floats2 + keys + count(2) + "12345678"
	got, err := read([]byte(good))
	require.NoError(t, err)
	require.Equal(t, int64(8), got[0].Data.Size)
	require.Equal(t, int64(len(good)-8), got[0].Data.Offset)
	for _, c := range []struct {
		rule error
		name string
		file string
	}{
		{ErrNotTorch, "other pickle", "\x80\x02K\x01."},
		{ErrNotTorch, "other magic", "\x80\x02\x8a\x0a1234567890."},
		{ErrNotTorch, "other version", magic + "\x80\x02M\xea\x03."},
		{ErrNotTorch, "text", "hello"},
		{ErrStorage, "big-endian", magic + "\x80\x02M\xe9\x03.\x80\x02}" + text("little_endian") + "\x89s."},
		{ErrStorage, "storage too early", "\x80\x02NQ."},
		{ErrStorage, "no keys", magic + "\x80\x02M\xe9\x03." + machine + floats2 + "\x80\x02]."},
		{ErrStorage, "keys are no list", magic + "\x80\x02M\xe9\x03." + machine + floats2 + "\x80\x02N."},
		{ErrStorage, "other key", magic + "\x80\x02M\xe9\x03." + machine + floats2 + "\x80\x02]" + text("1") + "a."},
		{ErrStorage, "key twice", magic + "\x80\x02M\xe9\x03." + machine + floats2 + "\x80\x02](" + text("0") + text("0") + "e." + count(2) + "12345678"},
		{ErrSize, "other count", magic + "\x80\x02M\xe9\x03." + machine + floats2 + keys + count(3) + "123456789012"},
		{ErrTruncated, "no count", magic + "\x80\x02M\xe9\x03." + machine + floats2 + keys + "1234"},
		{ErrTruncated, "cut data", good[:len(good)-1]},
	} {
		_, err := read([]byte(c.file))
		require.ErrorIs(t, err, c.rule, c.name)
	}
}

var floats2 = floats(2)
