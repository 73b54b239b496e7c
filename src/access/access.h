/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access: who a caller is and what they may do.
 *
 * Proven Basic credentials and verified tokens are cached for a minute (keyed by SHA-256 of the
 * credential) and dropped on change; what another process changes is noticed within a second
 * (access_look). At most two password hashes are computed at the same time.
 *
 * A token stands for what it grants and for nothing else: whoever its subject is, administrators
 * too, an identity of ACCESS_BEARER is never admin. Any thread.
 */
#ifndef HAVEN_ACCESS_ACCESS_H
#define HAVEN_ACCESS_ACCESS_H

#include "base/arena.h"
#include "db/db.h"

/* The name of the registry in tokens and challenges, and of who makes the tokens. */
#define ACCESS_SERVICE "harbor-registry"
#define ACCESS_ISSUER  "harbor-token-issuer"

struct access;
struct settings;

enum access_action {
    ACCESS_PULL = 1,
    ACCESS_PUSH = 2,
    ACCESS_DELETE = 4,
    ACCESS_SCANNER_PULL = 8, /* read what a policy keeps from others, to scan it */
    ACCESS_ALL = 15,
};

/* What a token grants on one repository, or on the catalog. */
struct access_grant {
    struct str type;  /* "repository" or "registry" */
    struct str name;  /* "library/model", "catalog" */
    unsigned actions; /* enum access_action; for the catalog: ACCESS_PULL ("*") */
};

enum access_robot_kind { ACCESS_ROBOT_SYSTEM = 1, ACCESS_ROBOT_PROJECT = 2 };
/* One thing that a robot may do. */
struct access_robot_grant {
    enum access_robot_kind kind;
    int64_t project_id;  /* ACCESS_ROBOT_PROJECT: where; 0: in every project */
    struct str project;  /* its name, where it is known */
    unsigned permission; /* enum permission */
};
struct access_robot {
    int64_t id;
    const struct access_robot_grant *grants;
    size_t n;
};

enum access_proof {
    ACCESS_ANONYMOUS,
    ACCESS_BASIC,   /* a password, a secret of a robot, a personal access token */
    ACCESS_BEARER,  /* a registry token */
    ACCESS_SESSION, /* the cookie of a browser */
};
/* How far a personal access token reaches: reading; changes in projects, too; all that its user
 * may do. */
enum access_scope_kind {
    ACCESS_SCOPE_NONE, /* it is no such token */
    ACCESS_SCOPE_READ,
    ACCESS_SCOPE_WRITE,
    ACCESS_SCOPE_ALL,
};
const char *access_scope_name(enum access_scope_kind scope);

/* The caller of a request; lies in the request's arena. */
struct identity {
    enum access_proof proof;
    int64_t user_id;     /* 0: nobody */
    struct str username; /* "" for nobody */
    struct str address;  /* where the request came from; "": this process */
    bool admin;
    const struct access_robot *robot; /* set for a robot, which has no user_id */
    bool had_credentials; /* an Authorization header was sent (decides the form of a challenge) */
    int64_t session_id;   /* ACCESS_SESSION */
    /* A personal access token, or a registry token that was made with one. */
    int64_t token_id;
    enum access_scope_kind scope;
    /* ACCESS_BEARER only: all that the token grants, and when it was made (unix seconds). */
    const struct access_grant *grants;
    size_t n_grants;
    int64_t issued_at;
};

/* What somebody is in a project, with Harbor's numbers. */
enum access_role {
    ROLE_ANYBODY = 0, /* everybody, in a project that is public */
    ROLE_ADMIN = 1,
    ROLE_DEVELOPER = 2,
    ROLE_GUEST = 3,
    ROLE_MAINTAINER = 4,
    ROLE_LIMITED = 5,
    ROLE_COUNT
};
/* Sets of roles are bits. */
#define ROLE_BIT(role) (1u << (role))

/* Permissions that route rows name (access/permissions.def). */
enum permission {
#define SPECIAL(sym, name, doc)                                      PERM_##sym,
#define PERMISSION(sym, level, resource, action, roles, robots, doc) PERM_##sym,
#include "access/permissions.def"
#undef SPECIAL
#undef PERMISSION
    PERM_COUNT
};
enum permission_level { PERM_LEVEL_NONE, PERM_LEVEL_SYSTEM, PERM_LEVEL_PROJECT };
enum permission_robots { PERM_ROBOTS_SYSTEM = 1, PERM_ROBOTS_PROJECT = 2 };
/* One row. */
struct permission_info {
    const char *name;              /* "repository:pull" */
    const char *resource, *action; /* NULL at PERM_LEVEL_NONE */
    enum permission_level level;
    unsigned roles;  /* ROLE_BIT */
    unsigned robots; /* enum permission_robots */
    const char *doc;
};
const struct permission_info *permission_info(enum permission p);
const char *permission_name(enum permission p);

/* What is asked about: filled by a route's resolver. project_id 0: the project does not exist. */
struct access_target {
    int64_t project_id;
    int64_t project_created_ms;
    unsigned roles;        /* the caller's there; ROLE_ANYBODY if it is public */
    bool self;             /* the user asked about is the caller */
    bool of_system;        /* not of a project: anybody may read it, administrators may change it */
    struct str repository; /* full name, where one is meant */
    /* A second repository that is read from (mount source); project_id 0: none or unknown. */
    int64_t from_project_id;
    int64_t from_created_ms;
    unsigned from_roles;
    struct str from_repository;
};

/* Loads or makes the signing key and the first administrator, "admin". first_password:
 * HAVEN_ADMIN_PASSWORD or STR_NULL (then a random one). It counts only while there is no account at
 * all: at a later start it changes nothing. *ret_generated (arena) is the random password if one
 * was made now, else STR_NULL: the caller prints it to a terminal or writes
 * DATA/initial-admin-password. CONFIG when the password given is empty or longer than
 * LIMIT_PASSWORD. */
int access_open(struct db *db, struct str first_password, struct arena *a,
                struct str *ret_generated, struct access **ret, struct err *e);
/* For a program beside a server or without one: makes nothing, neither key nor account, and can
 * verify no tokens. */
int access_open_beside(struct db *db, struct access **ret, struct err *e);
void access_close(struct access *x);
/* Called before a request is judged, and now and then by who waits for none: takes notice of what
 * other processes changed in accounts, robots and settings (access/revision.h). At most once in
 * REVISION_LOOK_MS it reads a row, else it costs nothing. */
void access_look(struct access *x);
/* What administrators change at run time. */
struct settings *access_settings(struct access *x);

/* From the value of an Authorization header (STR_NULL: anonymous). UNAUTHORIZED for wrong
 * credentials and bad tokens, TOKEN_STALE for a token of ours whose time is over (its holder may
 * ask for a new one), TOO_MANY_REQUESTS after many wrong passwords for the same user from the same
 * peer. May wait (password hash, database). peer: the client's address. */
int access_authenticate_from(struct access *x, struct arena *a, struct str peer,
                             struct str authorization, struct identity *ret, struct err *e);
/* Is this header's value a personal access token sent as Bearer? */
bool access_is_personal(struct str authorization);
/* The same for a caller inside this process. */
int access_authenticate(struct access *x, struct arena *a, struct str authorization,
                        struct identity *ret, struct err *e);

/* May this identity do this? 0, UNAUTHORIZED (nobody asks), DENIED, or, for an administrator,
 * NOT_FOUND where the project does not exist. t may be NULL where the permission is about no
 * project. Whoever is no administrator gets the same answer for a project that is absent and for
 * one that is not theirs: existence is never leaked. */
int access_check(const struct identity *id, const struct access_target *t, enum permission p,
                 struct err *e);
/* The same for the registry protocol: PERM_PULL, PERM_PUSH, PERM_DELETE on the repository of the
 * target, where tokens count. UNAUTHORIZED in the same words whatever the reason, or TOKEN_STALE
 * (the token is of a time before the project, or the project is gone: its holder may ask for a new
 * one). An administrator gets past it on an absent project. */
int access_check_repository(const struct identity *id, const struct access_target *t,
                            enum permission p, struct err *e);
/* May this identity pull from the second repository of the target (mount source)? What is public
 * may be read by anybody; false if it is unknown. */
bool access_may_pull_from(const struct identity *id, const struct access_target *t);
/* Actions (enum access_action) that the identity holds on a project (0: none) by its roles, tokens
 * aside. */
unsigned access_actions(const struct identity *id, int64_t project_id, unsigned roles);
/* The caller's roles in a project (bits), with ROLE_ANYBODY if it is public. Tokens have none
 * beyond that: what they grant counts. */
int access_roles(struct access *x, const struct identity *id, int64_t project_id, bool is_public,
                 unsigned *ret, struct err *e);
/* The strongest of them as Harbor shows it (ROLE_ANYBODY: none), and a name ("projectAdmin"). */
enum access_role access_role_strongest(unsigned roles);
const char *access_role_name(enum access_role role);
/* Was a robot given this, in a project or in the system? */
bool access_robot_has(const struct access_robot *robot, enum access_robot_kind kind,
                      int64_t project_id, enum permission p);
/* May it list every repository of this project (catalog)? Administrators and holders of a token for
 * the catalog; others those of public projects. */
bool access_may_list(const struct identity *id, bool project_public);

/* A signed registry token (RS256 JWT; Harbor's claims) for id, or nobody (an empty name).
 * At most LIMIT_TOKEN_SCOPES grants; expires_s: seconds. In the arena. */
int access_token_make(struct access *x, struct arena *a, const struct identity *id,
                      const struct access_grant *grants, size_t n, int64_t expires_s,
                      struct str *ret_jwt, struct err *e);

/* Changes a user's password: cached proofs are dropped, tokens made before it are refused from then
 * on. BAD_REQUEST for a password that is empty or longer than LIMIT_PASSWORD, NOT_FOUND. */
int access_password_set(struct access *x, int64_t user_id, struct str password, struct err *e);

#endif
