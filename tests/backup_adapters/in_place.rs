//! Servers whose data was wrecked are put back in their place from a backup that was made while somebody wrote; and
//! where one service is not well with what is restored, all of them have what they had.

use crate::backup::{CANARY, Stack};
use crate::{counts, nobody_is_told, nothing_is_left};

/// Where the volume of `app` has this file, the service is only well once it was told so.
pub const ILL: &str = "touch /data/ill /tmp/fine";

fn restore(stack: &Stack) -> crate::backup::Said {
    let said = stack.run(&["restore", "--in-place", "--confirm", &stack.sandbox.project, "--stop", "--no-backup"]);
    nobody_is_told(stack, &said);
    nothing_is_left(stack);
    said
}

/// All that the servers have, besides what was written to `orders` meanwhile; and how much is in there.
fn content(stack: &Stack) -> (String, String) {
    let maria =
        |sql: &str| stack.inside("db", &format!("MYSQL_PWD=$(cat /run/secrets/root) mariadb -u root -N --force <<'END' 2>&1\n{sql}\nEND"));
    let asked = "show databases; show tables in shop; select count(*), sum(crc32(concat(id, note, hex(raw)))) from shop.orders where note <> 'late';
        select count(*) from shop.all_orders where note = 'x'; select * from shop.`odd ``name` order by 1; show create procedure shop.more;
        show grants for clerk@'%'; select user, host from mysql.user order by 1, 2";
    let lua = "local said = {}
        for _, number in ipairs({0, 3}) do
          redis.call('select', number)
          local keys = redis.call('keys', '*'); table.sort(keys)
          for _, key in ipairs(keys) do
            local kind, value = redis.call('type', key).ok, nil
            if kind == 'string' then value = {redis.call('get', key)}
            elseif kind == 'list' then value = redis.call('lrange', key, 0, -1)
            elseif kind == 'set' then value = redis.call('smembers', key); table.sort(value)
            elseif kind == 'zset' then value = redis.call('zrange', key, 0, -1, 'withscores')
            elseif kind == 'hash' then value = redis.call('hkeys', key); table.sort(value); value[#value + 1] = table.concat(redis.call('hmget', key, unpack(value)), ' ')
            else value = {redis.call('xlen', key), cjson.encode(redis.call('xinfo', 'groups', key)), cjson.encode(redis.call('xrange', key, '-', '+'))} end
            said[#said + 1] = table.concat({number, kind, key, tostring(redis.call('ttl', key) > 0), #value, redis.sha1hex(table.concat(value, ' '))}, ' ')
          end
        end
        return said";
    let keys =
        format!("export REDISCLI_AUTH={CANARY}; cat > /tmp/q.lua <<'END'\n{lua}\nEND\nredis-cli --no-auth-warning --eval /tmp/q.lua");
    let files = "python3 - <<'END' 2>&1
import sqlite3
for name in ('app', 'other'):
  try:
    file = sqlite3.connect('/data/' + name + '.db')
    print(name, file.execute('PRAGMA integrity_check').fetchone(), file.execute('select count(*), sum(n) from t').fetchone())
  except sqlite3.Error as error:
    print(name, error)
END
ls -A /data | grep -v -e -wal -e -shm";
    let said = [maria(asked), stack.inside("cache", &keys), stack.inside("app", files), stack.inside("notes", "sort /data/notes")];
    (said.join("\n--\n"), maria("select count(*) from shop.orders").trim().to_string())
}

/// The newest backup must bring back what is there, and of the table that is written to as much as it says.
pub fn everything_is_put_back(stack: &Stack) {
    stack.inside("db", "touch /tmp/stop");
    let wanted = (content(stack).0, counts(stack, "db", "databases/shop")["orders"].to_string());
    let volumes = ["maria", "keys", "files", "notes"].map(|name| format!("{}_{name}", stack.sandbox.project));
    if !volumes.iter().all(|volume| stack.may_change(volume)) {
        return;
    }
    stack.inside("db", "MYSQL_PWD=$(cat /run/secrets/root) mariadb -u root -e \"drop database shop; drop database other; drop user clerk@'%'; create database newer; create table newer.t as select 7 as n\"");
    stack.inside(
        "cache",
        &format!("export REDISCLI_AUTH={CANARY}; redis-cli --no-auth-warning flushall; redis-cli --no-auth-warning set newer 1"),
    );
    let damage = "dd if=/dev/zero of=/data/app.db bs=4096 seek=1 count=8 conv=notrunc 2>/dev/null; rm /data/other.db* /data/ill /tmp/fine; echo newer > /data/newer";
    stack.inside("app", damage);
    stack.inside("notes", "echo newer > /data/notes");
    let wrecked = content(stack);
    assert!(wrecked.0.contains("newer") && wrecked != wanted, "{wrecked:?}");

    let said = restore(stack);
    assert_eq!(said.code, Some(4), "{}", said.text);
    assert!(said.text.contains("app-1"), "{}", said.text);
    assert_eq!(content(stack), wrecked);

    stack.inside("app", "touch /tmp/fine");
    let said = restore(stack);
    assert_eq!(said.code, Some(0), "{}", said.text);
    assert!(said.text.contains("14 keys in 2 databases, as in"), "{}", said.text);
    // Its shell does not listen to SIGTERM.
    assert!(said.text.contains("what notes had still to write") && said.text.contains("after 1 s it was killed"), "{}", said.text);
    assert_eq!(content(stack), wanted);
}

/// A client that fails on the live server alone: what was loaded beside it does not prove that it has it.
pub fn a_broker_is_put_back(stack: &Stack) {
    if !stack.may_change(&format!("{}_mq", stack.sandbox.project)) {
        return;
    }
    let definitions = || -> serde_json::Value {
        let mut all: serde_json::Value = serde_json::from_str(&stack.inside("queue", "rabbitmqctl -q export_definitions -")).unwrap();
        for list in all.as_object_mut().unwrap().values_mut().filter_map(|value| value.as_array_mut()) {
            list.sort_by_key(ToString::to_string);
        }
        all
    };
    let wanted = definitions();
    let wreck = "rabbit_vhost:delete(<<\"shop\">>, <<\"x\">>), rabbit_auth_backend_internal:delete_user(<<\"clerk\">>, <<\"x\">>).";
    stack.inside("queue", &format!("rabbitmqctl -q eval '{wreck}'"));
    let wrecked = definitions();
    assert_ne!(wanted, wrecked);
    let fails = "path=$(command -v rabbitmqctl); mv $path $path.real
        printf '#!/bin/sh\\ncase \"$*\" in *export_definitions*) exit 1 ;; esac\\nexec %s.real \"$@\"\\n' $path > $path; chmod 755 $path";
    stack.inside("queue", fails);
    let said = restore(stack);
    stack.inside("queue", "path=$(command -v rabbitmqctl); mv $path.real $path");
    assert_eq!(said.code, Some(4), "{}", said.text);
    stack.docker(&["compose", "up", "-d", "--wait"]);
    assert_eq!(definitions(), wrecked);
    let said = restore(stack);
    assert_eq!(said.code, Some(0), "{}", said.text);
    assert_eq!(definitions(), wanted);
}
