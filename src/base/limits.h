/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits: the ceiling of everything whose size a stranger chooses, with the reason.
 * Sizes are bytes and times milliseconds unless the name says otherwise.
 */
#ifndef HAVEN_BASE_LIMITS_H
#define HAVEN_BASE_LIMITS_H

#define KIB (1024ull)
#define MIB (1024ull * KIB)
#define GIB (1024ull * MIB)
#define TIB (1024ull * GIB)

/* OCI distribution asks registries to take manifests of at least 4 MiB, and that is the most that
 * containerd, containers/image and oras-go read. */
#define LIMIT_MANIFEST (4 * MIB)
/* Clients limit HOST/NAME:TAG to 255 characters. */
#define LIMIT_REPO_NAME  255
#define LIMIT_TAG        128
#define LIMIT_MEDIA_TYPE 255
/* Nesting of a JSON document from outside; the deepest real manifest has 6. */
#define LIMIT_JSON_DEPTH 64
/* Tags that one push may name (OCI distribution main: at least 10). */
#define LIMIT_TAGS_PER_PUSH 100
/* Descriptors in one manifest. */
#define LIMIT_DESCRIPTORS 10000
/* Extents of one blob: they are read at once, and written in one transaction. A tar of a model has
 * three per file. */
#define LIMIT_BLOB_EXTENTS 10000
/* A literal extent: headers and padding, never content. */
#define LIMIT_EXTENT_LITERAL (64 * KIB)
/* A page of a list. Larger wishes are clamped, not refused. */
#define LIMIT_PAGE 1000
/* containerd refuses a larger referrers answer; annotations are inlined, so bytes are counted. */
#define LIMIT_REFERRERS_BYTES (4 * MIB - 64 * KIB)
/* A list that a caller filters: its values (what SQLite binds is 32766), and the statement. */
#define LIMIT_LIST_VALUES 512
#define LIMIT_LIST_SQL    (64 * KIB)
/* Conditions in one filter, and orders in one sort. */
#define LIMIT_FILTER_TERMS 32
/* Ranges in one request (zstd:chunked pulls send some hundreds). */
#define LIMIT_RANGES 1024
/* One blob. */
#define LIMIT_BLOB (8 * TIB)
/* What an upload session is bound to (a repository's name, with room for a prefix). */
#define LIMIT_UPLOAD_SCOPE 512

/* One request: head (the connection's memory), number of headers, its arena. */
#define LIMIT_HTTP_CONNECTION_MEMORY (24 * KIB)
#define LIMIT_HTTP_HEADERS           100
#define LIMIT_HTTP_URI               (8 * KIB)
#define LIMIT_HTTP_QUERY_PARAMS      256
#define LIMIT_REQUEST_ARENA          (24 * MIB)
/* A token request's form. */
#define LIMIT_FORM (16 * KIB)

/* The body of an API request, a text in it, entries of a list in it. */
#define LIMIT_API_BODY  (1 * MIB)
#define LIMIT_API_TEXT  65536
#define LIMIT_API_ITEMS 4096
/* The configuration of an artifact as far as lists show it. */
#define LIMIT_ARTIFACT_CONFIG (1 * MIB)
/* A picture that an artifact brings along: as large as Harbor takes. */
#define LIMIT_ICON (1 * MIB)
/* What a repository says of itself. */
#define LIMIT_DESCRIPTION (64 * KIB)
/* Statements of lists that a connection to the database keeps prepared: more than the usual ones,
 * and what odd filters fill is bounded. */
#define LIMIT_KEPT_STATEMENTS 24
/* A page of an API list (larger wishes are refused), and the answer that holds it. */
#define LIMIT_API_PAGE   100
#define LIMIT_API_ANSWER (16 * MIB)

/* A configuration file. */
#define LIMIT_CONFIG_FILE (1 * MIB)
/* Its nesting (the table needs 3), and one entry of a list. */
#define LIMIT_CONFIG_DEPTH 8
#define LIMIT_CONFIG_ITEM  255
/* All values of a configuration with those they replaced. */
#define LIMIT_CONFIG_ARENA (8 * MIB)
/* A line of the log. */
#define LIMIT_LOG_LINE (8 * KIB)

/* A password: longer ones cost hashing time and protect nobody better. */
#define LIMIT_PASSWORD 128
#define LIMIT_USERNAME 255
/* Bytes of one text of the audit log; what is longer is cut. */
#define LIMIT_AUDIT_TEXT 512
#define LIMIT_TOKEN      (16 * KIB)
/* Scopes of one token: as many of the longest names as fit into LIMIT_TOKEN, and type names in
 * them. */
#define LIMIT_TOKEN_SCOPES 32
#define LIMIT_SCOPE_TYPE   32
/* Requests that wait for one of the two places where passwords are hashed. */
#define LIMIT_PASSWORD_WAITERS 64

/* What the HTTP client takes from the other side: the head of an answer, an address in it, an
 * authentication challenge, a body that is kept in memory unless the call asks for more, redirects.
 */
#define LIMIT_CLIENT_HEAD (64 * KIB)
#define LIMIT_CLIENT_URL  8192
#define LIMIT_CHALLENGE   4096
#define LIMIT_CLIENT_BODY (64 * KIB)
/* The same of a refusal that lists what depends on an artifact: LIMIT_GRAPH_STEP with their tags.
 */
#define LIMIT_CLIENT_LINKED    (1 * MIB)
#define LIMIT_CLIENT_REDIRECTS 10
/* A page of a registry's list (some give all tags in one), pages of a list, all names of one. */
#define LIMIT_CLIENT_LIST  (32 * MIB)
#define LIMIT_CLIENT_PAGES 10000
#define LIMIT_CLIENT_NAMES (256 * MIB)
/* An artifact that is copied: its manifests (as many as one index can name), how deep indexes nest
 * in it, the memory of all manifests. */
#define LIMIT_COPY_MANIFESTS LIMIT_DESCRIPTORS
#define LIMIT_COPY_DEPTH     8
#define LIMIT_COPY_MEMORY    (256 * MIB)
/* A page of a list that `haven admin` prints, whose texts have ceilings of their own, and what is
 * written of one row. */
#define LIMIT_OPERATING_PAGE (64 * MIB)
/* docker's config.json, and what a credential helper may print. */
#define LIMIT_DOCKER_CONFIG     (1 * MIB)
#define LIMIT_CREDENTIAL_HELPER (64 * KIB)

/* A model's files: how many (checkpoints in pieces have some ten thousand), in how many layers, the
 * length of a path and of one name in it (what file systems take), how deep directories nest. */
#define LIMIT_MODEL_FILES  50000
#define LIMIT_MODEL_LAYERS LIMIT_DESCRIPTORS
#define LIMIT_MODEL_PATH   1024
#define LIMIT_MODEL_NAME   255
#define LIMIT_MODEL_DEPTH  32
/* A pattern for paths: room for the longest path with every byte escaped. Patterns in one list:
 * each is held against every file. */
#define LIMIT_GLOB  (2 * LIMIT_MODEL_PATH)
#define LIMIT_GLOBS 4096
/* A .havenignore; a Modelfile (it may name each file on a line of its own) and one of its values
 * that is no path. */
#define LIMIT_IGNORE_FILE     (1 * MIB)
#define LIMIT_MODELFILE       (16 * MIB)
#define LIMIT_MODELFILE_VALUE 255
/* Layers of one manifest that have no file name of their own: each is compared with the others. */
#define LIMIT_PACK_NAMELESS 1000
/* What the collector knows of the extents of one object. */
#define LIMIT_COLLECT_MEMORY (64 * MIB)
/* A tar archive: its members (more than any model or image has; lists are made of them), the body
 * of an extended header (attributes of a file lie in it), a name in one (what Linux takes). */
#define LIMIT_TAR_MEMBERS   1000000
#define LIMIT_TAR_EXTENSION (1 * MIB)
#define LIMIT_TAR_PATH      4096
/* The names in one archive that is pulled, kept until it is unpacked. */
#define LIMIT_ARCHIVE_NAMES (256 * MIB)
/* What the client remembers of an archive: some hundred thousand files. */
#define LIMIT_ARCHIVE_CONTENTS (32 * MIB)
/* What a compressed layer may unpack to: deflate and zstd make a thousandth of zeros and more,
 * models hardly half. Below the first of these nothing is said. */
#define LIMIT_UNPACK_SMALL (256 * MIB)
#define LIMIT_UNPACK_RATIO 100ull
/* 128 MiB: the memory that zstd itself takes without --long. */
#define LIMIT_ZSTD_WINDOW_LOG 27
/* What is looked at of an artifact without being asked for: how far a compressed layer is unpacked,
 * how much of the beginning of weights in it is kept (headers of 100,000 tensors), and of all that.
 */
#define LIMIT_LOOK_UNPACKED (4 * GIB)
#define LIMIT_LOOK_HEAD     (16 * MIB)
#define LIMIT_LOOK_KEPT     (128 * MIB)
/* config.json of a model and its neighbours, read for its facts: a tokenizer's with many added
 * tokens has more than one MiB. */
#define LIMIT_MODEL_FACTS (2 * MIB)
/* The front matter of a model card: tables of results make some hundred KiB of it. How deep it
 * nests. */
#define LIMIT_MODEL_CARD       (1 * MIB)
#define LIMIT_MODEL_CARD_DEPTH 16
/* A text that may be a licence; the longest that models have is a tenth of it. */
#define LIMIT_LICENSE_TEXT (512 * KIB)
/* Values in a Chart.yaml, which may be as large and as deep as a card's front matter. */
#define LIMIT_CHART_NODES 100000
/* One text that a model says of itself, entries of one list (cards of speech models name four
 * thousand languages), a heading that becomes a title, and all of them together. */
#define LIMIT_MODEL_WORD  4096
#define LIMIT_MODEL_LIST  8192
#define LIMIT_MODEL_TITLE 255
#define LIMIT_MODEL_ARENA (16 * MIB)

/* Headers of weight files. The reference implementation of safetensors takes no longer header; no
 * GGUF comes near it. */
#define LIMIT_WEIGHT_HEADER 100000000ull
/* Tensors of one file (the largest models have some 100,000 in all), words that are none. */
#define LIMIT_WEIGHT_TENSORS 1000000
#define LIMIT_WEIGHT_NOTES   65536
/* A tensor's name and its dimensions (numpy takes 64). */
#define LIMIT_WEIGHT_NAME 4096
#define LIMIT_WEIGHT_DIMS 64
/* GGUF: a key and a string (what readers in the field accept), elements of an array, arrays inside
 * arrays. */
#define LIMIT_GGUF_KEY    65535
#define LIMIT_GGUF_STRING (16 * MIB)
#define LIMIT_GGUF_ARRAY  (1ull << 30)
#define LIMIT_GGUF_NESTED 4
/* Pickles, which PyTorch and scikit-learn write: memory of the values in one (a tensor takes some
 * 500 bytes), values on its stack or in its memo, opcodes (one a byte of the longest header), a
 * text in it that is kept (names of modules and tensors), names that it imports (the largest
 * modules have some hundred classes), values that are walked through (each as often as it is used),
 * how deep they nest (a module's level has four), pickles inside of a pickle (joblib's arrays of
 * objects). */
#define LIMIT_PICKLE_MEMORY  (256 * MIB)
#define LIMIT_PICKLE_STACK   4000000ull
#define LIMIT_PICKLE_TEXT    4096
#define LIMIT_PICKLE_IMPORTS 1024
#define LIMIT_PICKLE_VALUES  8000000ull
#define LIMIT_PICKLE_DEPTH   128
#define LIMIT_PICKLE_OPCODES LIMIT_WEIGHT_HEADER
#define LIMIT_PICKLE_NESTED  4
/* The configuration of a Keras model: large ones have some 100 KiB. */
#define LIMIT_KERAS_CONFIG (4 * MIB)
/* A ZIP archive's members: each tensor is one. */
#define LIMIT_ZIP_MEMBERS 1000000
/* ONNX: fields that are read (a large graph has some million), graphs inside graphs, different
 * operators (the standard has 200), a word about where a tensor's bytes are. */
#define LIMIT_ONNX_FIELDS    20000000ull
#define LIMIT_ONNX_NESTED    16
#define LIMIT_ONNX_OPERATORS 1024
#define LIMIT_ONNX_WORD      4096
/* A word of a header that is kept whole; longer ones are told by their length. Chat templates have
 * some 10 KiB. */
#define LIMIT_WEIGHT_NOTE (1 * MIB)
/* What the headers of one model may take in memory: a million tensors and their names. */
#define LIMIT_WEIGHT_ARENA (256 * MIB)

/* What is kept of one model or of the header of one of its files, as JSON: a million tensors. */
#define LIMIT_MODEL_TEXT (64 * MIB)
/* The same of one model without its tensors: 50,000 files. */
#define LIMIT_INDEX_FACTS (32 * MIB)
/* What of that is shown in lists. */
#define LIMIT_INDEX_SUMMARY (2 * MIB)
/* The process that reads models of strangers (jobs/parser.h). Its addresses: LIMIT_WEIGHT_ARENA,
 * LIMIT_ARCHIVE_NAMES, LIMIT_LOOK_KEPT and a document, with the program itself. Time of the
 * processor; how long it may take to start, and to read its artifact. */
#define LIMIT_PARSER_MEMORY    (1 * GIB)
#define LIMIT_PARSER_CPU_S     3600
#define LIMIT_PARSER_START_MS  30000
#define LIMIT_PARSER_BUDGET_MS 1800000
/* Bytes of a blob that it is sent at once. */
#define LIMIT_PARSER_PIECE (1 * MIB)
/* What it may find: one document (that of a million tensors), how many (one for each file that has
 * weights, and some), all of one artifact; the word for what a document is. */
#define LIMIT_PARSER_DOCUMENT  (64 * MIB)
#define LIMIT_PARSER_DOCUMENTS 20000
#define LIMIT_PARSER_RESULT    (128 * MIB)
#define LIMIT_PARSER_KIND      16
/* Files that are taken out of a compressed layer (jobs/extract.h). How many in one go: one that was
 * asked for, others that are asked for at the same time, small ones that lie around it, since who
 * looks at one looks at its neighbours (how small; how far behind it). */
#define LIMIT_EXTRACT_PARTS 128
#define LIMIT_EXTRACT_NEAR  64
#define LIMIT_EXTRACT_SMALL (256 * KIB)
#define LIMIT_EXTRACT_AHEAD (64 * MIB)
/* How long that may take: this, and as much for each MiB that has to be unpacked (4 MiB a second);
 * how long it goes on when nobody wants it at the moment: who reads by ranges comes back. */
#define LIMIT_EXTRACT_MS         60000
#define LIMIT_EXTRACT_MS_PER_MIB 250
#define LIMIT_EXTRACT_IDLE_MS    20000
/* Files that wait for a process, how long; those of one client address that wait or are being taken
 * out. A browser asks for six at once. */
#define LIMIT_EXTRACT_WAITING     64
#define LIMIT_EXTRACT_WAIT_MS     60000
#define LIMIT_EXTRACT_PER_ADDRESS 16
/* Files that are kept, and for how long without use. */
#define LIMIT_EXTRACT_FILES   4096
#define LIMIT_EXTRACT_KEPT_MS 3600000
/* A file of which the answer begins when all of it is there and is right. */
#define LIMIT_EXTRACT_WHOLE (1 * MIB)

/* What models depend on (registry/link.h): one target, those that one manifest and its card name,
 * those that people set on one artifact. Models name one base, merges some ten of them. */
#define LIMIT_LINK_TARGET   512
#define LIMIT_LINKS_FOUND   100
#define LIMIT_LINKS_BY_HAND 100
/* What is told of that at once: nodes, how far from the artifact asked about, what is read beside
 * one node, tags of a node. */
#define LIMIT_GRAPH_NODES 500
#define LIMIT_GRAPH_EDGES 2000
#define LIMIT_GRAPH_DEPTH 5
#define LIMIT_GRAPH_STEP  200
#define LIMIT_GRAPH_TAGS  20

/* What is told of the tensors of a model in sums: blocks (the deepest models have some hundreds;
 * each one takes 400 bytes), and how much of a name says what it belongs to. */
#define LIMIT_TENSOR_BLOCKS    1024
#define LIMIT_TENSOR_NAME_READ 512
/* Days of the past that are kept of what was pulled and pushed, and that may be asked for. A
 * trigger of migration 18 knows the number as well. */
#define LIMIT_ACTIVITY_DAYS 400

#endif
